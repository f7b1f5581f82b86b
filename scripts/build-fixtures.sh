#!/bin/sh
# Rebuilds every BPF object that is committed beside its C source: the example and the test data (test/data/BUILD.md says
# what each is for). Needs clang-14, clang-16 and clang-19, the libbpf headers and gcc; nothing else in the project does.
set -eu
cd "$(dirname "$0")/.."

# Headers that are on the machine, and no path of the machine in the debug information: file names are relative to the
# source's folder, and whatever stands before them is cut.
include="-I/usr/include/$(uname -m)-linux-gnu"
portable="-fdebug-compilation-dir=. -ffile-prefix-map=$PWD/=" 

# object FOLDER SOURCE OUTPUT CLANG CPU [FLAG...]: compile as from inside the source's folder.
object() {
  folder=$1 source=$2 output=$3 clang=$4 cpu=$5
  shift 5
  # shellcheck disable=SC2086
  (cd "$folder" && "$clang" -g -O2 -target bpf "-mcpu=$cpu" $include $portable "$@" -c "$source" -o "$output")
}

object examples tail_call.c tail_call.o clang-19 v3

for version in 14 16 19; do
  for cpu in v1 v2 v3; do
    object test/data/seed tail_call.c "tail_call-clang$version-$cpu.o" "clang-$version" "$cpu"
  done
done
