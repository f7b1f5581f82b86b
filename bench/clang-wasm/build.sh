#!/bin/sh
# Compiles programs of the bench straight to Wasm, for what clang's own code costs in V8. Needs clang-19 and lld-19
# (apt-get install clang-19 lld-19 libbpf-dev linux-libc-dev). The modules are committed: running the bench needs neither.
set -eu
cd "$(dirname "$0")"
object=$(mktemp)
trap 'rm "$object"' EXIT
for source in *.c; do
  # Both kinds of tail call were measured: return_call_indirect is faster for a chain of them, call_indirect for a single one.
  case $source in
    chain*.c) tail=-mtail-call ;;
    *) tail=-mno-tail-call ;;
  esac
  clang-19 --target=wasm32 -O2 -ffreestanding -fvisibility=hidden -fno-strict-aliasing -Wall \
    $tail -mbulk-memory -mmutable-globals -msign-ext \
    -Iinclude -isystem /usr/include "-I/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "$object"
  wasm-ld-19 --no-entry --export-dynamic --export=__wasm_call_ctors --export-table --growable-table --strip-all -O2 \
    "$object" -o "${source%.c}.wasm"
done
