#!/bin/sh
# Rebuilds every BPF object that is committed beside its C source: the examples and the test data (test/data/BUILD.md says
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
for source in examples/*/*.c; do
  name=$(basename "$source" .c)
  object "examples/$name" "$name.c" "$name.o" clang-19 v3
done

for version in 14 16 19; do
  for cpu in v1 v2 v3; do
    object test/data/seed tail_call.c "tail_call-clang$version-$cpu.o" "clang-$version" "$cpu"
  done
done

in=test/data/object
object $in subprogs.c subprogs.o clang-19 v3
object $in subprogs.c subprogs-clang16-v2.o clang-16 v2
object $in subprogs.c subprogs-clang14-v1.o clang-14 v1
object $in static-slots.c static-slots.o clang-19 v3
object $in maps.c maps.o clang-19 v3
object $in maps.c maps-clang14-v2.o clang-14 v2
object $in legacy.c legacy.o clang-19 v3
object $in legacy.c legacy-g0.o clang-16 v2 -g0
object $in legacy.c legacy-28.o clang-14 v1 -g0 -DEXTENDED
object $in iproute2.c iproute2.o clang-16 v2 -g0
object $in types.c types.o clang-19 v3
object $in types.c types-clang14.o clang-14 v3
object $in externs.c externs.o clang-19 v3
object $in core.c core.o clang-19 v3
object $in core-relo.c core-relo.o clang-19 v3
object $in core-relo.c core-relo-clang14.o clang-14 v3
object $in core-relo.c core-relo-clang16.o clang-16 v3
object $in core-target.c core-target.o clang-19 v3
object $in short-elf-map.c short-elf-map.o clang-19 v3
object $in tagged.c tagged.o clang-19 v3
object $in arena.c arena.o clang-19 v3
object $in sections.c sections.o clang-19 v3
object $in maps.c maps-g0.o clang-19 v3 -g0
object $in empty.c empty.o clang-19 v3 -g0
object $in old_style.S old_style.o clang-19 v3 -g0
object $in legacy.c big-endian.o clang-19 v3 -target bpfeb
(cd $in && clang-19 -g0 -O2 -target x86_64-linux-gnu -c empty.c -o x86-64.o)
(cd $in && clang-19 -g0 -O2 -target mips-linux-gnu -c empty.c -o mips.o)
(cd $in && clang-19 -g0 -O2 -target bpf -emit-llvm -c empty.c -o bitcode.o)

for name in refused fields structs tags mistakes; do
  object test/data/verify "$name.c" "$name.o" clang-19 v3
done

for name in hook capture dispatcher chain nested; do
  for version in 14 16 19; do
    object test/data/tail "$name.c" "$name-clang$version.o" "clang-$version" v3
  done
done

# One program or more for each helper, kfunc and map type: run here and in the kernel.
for source in test/data/helpers/*.c; do
  name=$(basename "$source" .c)
  object test/data/helpers "$name.c" "$name.o" clang-19 v3
done

object test/data/workers workers.c workers.o clang-19 v3

# What bpftool links of two files.
object $in linked-a.c linked-a.o clang-19 v3
object $in linked-b.c linked-b.o clang-19 v3
bpftool gen object $in/linked.o $in/linked-a.o $in/linked-b.o
rm $in/linked-a.o $in/linked-b.o

# What is not read is not kept: BTF stays, DWARF goes.
for file in "$in"/*.o test/data/verify/*.o test/data/tail/*.o test/data/helpers/*.o test/data/workers/*.o examples/*/*.o; do
  case $file in
    *bitcode.o) ;;
    *) llvm-strip-19 --strip-debug "$file" ;;
  esac
done

# What libbpf makes of the CO-RE relocations: it relocates at load, so this runs as root.
tmp=$(mktemp -d)
gcc -o "$tmp/core-oracle" scripts/core-oracle.c -lbpf
llvm-objcopy-19 --dump-section .BTF="$tmp/target.btf" $in/core-target.o
for name in core-relo core-relo-clang14 core-relo-clang16; do
  "$tmp/core-oracle" "$in/$name.o" "$tmp/target.btf" > "$in/$name.libbpf.json"
done
"$tmp/core-oracle" $in/linked.o "" > $in/linked.libbpf.json
rm -r "$tmp"

# What bpftool reads out of the same BTF.
for name in types types-clang14 maps subprogs; do
  bpftool btf dump file "$in/$name.o" -j > "$in/$name.btf.json"
done
bpftool btf dump file examples/tail_call.o -j > test/data/seed/tail_call.btf.json
npx biome format --write "$in"/*.btf.json test/data/seed/*.btf.json
