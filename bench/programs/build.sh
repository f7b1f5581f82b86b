#!/bin/sh
# Rebuilds the programs of the bench; BUILD.md says with what. The objects are committed: running the bench needs no compiler.
set -eu
cd "$(dirname "$0")"
for source in *.c; do
  clang-19 -g -O2 -target bpf -mcpu=v3 "-I/usr/include/$(uname -m)-linux-gnu" \
    -fdebug-compilation-dir=. "-ffile-prefix-map=$PWD/=" \
    -c "$source" -o "${source%.c}.o"
done
