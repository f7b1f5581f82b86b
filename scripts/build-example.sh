#!/bin/sh
# Rebuilds the object of one program under examples/: build-example.sh NAME. The same flags as in build-fixtures.sh.
set -eu
cd "$(dirname "$0")/.."
folder=examples/$1
(cd "$folder" && clang-19 -g -O2 -target bpf -mcpu=v3 "-I/usr/include/$(uname -m)-linux-gnu" \
  -fdebug-compilation-dir=. "-ffile-prefix-map=$PWD/=" -c "$1.c" -o "$1.o")
llvm-strip-19 --strip-debug "$folder/$1.o"
