/**
 * bpf_ringbuf_reserve, _submit, _discard and _output without a call, as assembly/runtime/map/ringbuf.ts has them: what is out of the ordinary (no room, a reader
 * to be woken) is the runtime's. Only where one thread uses the maps.
 */
import { MAP_DATA_PTR, RING_CONSUMER, RING_MASK, RING_PENDING, RING_PRODUCER } from '../../assembly/abi.ts';
import {
  BPF_MAP_TYPE_RINGBUF,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
} from '../../assembly/isa.ts';
import type { RegFact } from '../verifier/facts.ts';
import { type FuncEnv, type ProgEnv, pushBase, pushRef, pushReg, pushReg32, setReg, setReg32 } from './env.ts';
import { type Pair, storePairs } from './key.ts';
import * as w from './opcodes.ts';

/** RINGBUF_MAX_RECORD_SZ */
const MAX_RECORD = 0x3fffffff;
/** Where its map is in a record's header, and its length, counted from the record backwards. */
const RECORD_MAP = 4;

/** The ring buffer that the call reserves in, if it is written where it is called. */
export function inlineRing({ checked, shared }: ProgEnv, map: RegFact): number | undefined {
  const isRing = map.kind === 'map' && checked.prog.maps[map.map].type === BPF_MAP_TYPE_RINGBUF;
  return isRing && !shared ? map.map : undefined;
}

/** Puts a u32 of the map that never changes on the stack. */
function pushFixed(f: FuncEnv, map: number, offset: number): void {
  const { code, prog } = f;
  const ref = prog.map(map);
  if (ref.kind === 'const' && prog.word !== undefined) code.i32(prog.word(ref.value + offset));
  else code.mem(w.I32_LOAD, pushBase(code, ref) + offset);
}

function loadPosition(f: FuncEnv, map: number, offset: number): void {
  f.code.mem(w.I64_LOAD, pushBase(f.code, f.prog.map(map)) + offset);
}

/** Branches to the block `depth` if what lies between that position and `next` is more than the ring has room for. */
function leaveIfFull(f: FuncEnv, map: number, position: number, next: number): void {
  const { code } = f;
  code.get(next);
  loadPosition(f, map, position);
  code.op(w.I64_SUB);
  pushFixed(f, map, RING_MASK);
  code.op(w.I64_EXTEND_I32_U, w.I64_GT_U);
  code.br(w.BR_IF, 0);
}

/** Locals of a record that is being made: where the ring goes on behind it, i64, and its header's address, i32. */
interface Place {
  readonly next: number;
  readonly header: number;
}

/** Finds the place of a record whose size `pushSize` makes, an i32; branches to the innermost block where there is none. */
function findPlace(f: FuncEnv, map: number, pushSize: () => void): Place {
  const { code } = f;
  const next = code.local('ring_next', 'i64');
  const header = code.local('ring_header', 'i32');
  loadPosition(f, map, RING_PRODUCER);
  code.tee(next);
  pushFixed(f, map, MAP_DATA_PTR);
  code.get(next);
  code.op(w.I32_WRAP_I64);
  pushFixed(f, map, RING_MASK);
  code.op(w.I32_AND, w.I32_ADD);
  code.set(header);
  pushSize();
  code.i32(BPF_RINGBUF_HDR_SZ + 7);
  code.op(w.I32_ADD);
  code.i32(-8);
  code.op(w.I32_AND, w.I64_EXTEND_I32_U, w.I64_ADD);
  code.set(next);
  leaveIfFull(f, map, RING_CONSUMER, next);
  leaveIfFull(f, map, RING_PENDING, next);
  return { next, header };
}

/** Writes the header, whose length word `pushLength` makes, and moves the ring's end. */
function takePlace(f: FuncEnv, map: number, { next, header }: Place, pushLength: () => void): void {
  const { code, prog } = f;
  code.get(header);
  pushLength();
  code.mem(w.I32_STORE, 0);
  code.get(header);
  pushRef(code, prog.map(map));
  code.mem(w.I32_STORE, BPF_RINGBUF_HDR_SZ - RECORD_MAP);
  const at = pushBase(code, prog.map(map)) + RING_PRODUCER;
  code.get(next);
  code.mem(w.I64_STORE, at);
}

/** R0 = a record of R2 bytes, or NULL; `call` asks the runtime for it and leaves an i32. */
export function lowerReserve(f: FuncEnv, map: number, call: () => void): void {
  const { code } = f;
  const pushSize = () => pushReg32(f, 2);
  code.block(w.BLOCK, w.I32);
  code.block(w.BLOCK);
  // Flags are an error, and so is a size that is none.
  pushReg(f, 3);
  code.i64(0);
  code.op(w.I64_NE);
  pushReg(f, 2);
  code.i64(MAX_RECORD);
  code.op(w.I64_GT_U, w.I32_OR);
  code.br(w.BR_IF, 0);
  const place = findPlace(f, map, pushSize);
  takePlace(f, map, place, () => {
    pushSize();
    code.i32(BPF_RINGBUF_BUSY_BIT | 0);
    code.op(w.I32_OR);
  });
  code.get(place.header);
  code.i32(BPF_RINGBUF_HDR_SZ);
  code.op(w.I32_ADD);
  code.br(w.BR, 1);
  code.op(w.END);
  call();
  code.op(w.END);
  setReg32(f, 0);
}

/** A record of what `data` has, made and committed. `call` has the runtime do all of it, with R2 and on, and leaves an i64. */
export function lowerOutput(f: FuncEnv, map: number, data: readonly Pair[], call: () => void): void {
  const { code } = f;
  const size = data.reduce((sum, pair) => sum + pair.size, 0);
  code.block(w.BLOCK, w.I64);
  code.block(w.BLOCK);
  // Somebody has wishes about waking the reader, or the reader has read all there is.
  pushReg(f, 4);
  code.i64(0);
  code.op(w.I64_NE);
  loadPosition(f, map, RING_PRODUCER);
  loadPosition(f, map, RING_CONSUMER);
  code.op(w.I64_EQ, w.I32_OR);
  code.br(w.BR_IF, 0);
  const place = findPlace(f, map, () => code.i32(size));
  storePairs(f, data, () => code.get(place.header), BPF_RINGBUF_HDR_SZ);
  takePlace(f, map, place, () => code.i32(size));
  code.i64(0);
  code.br(w.BR, 1);
  code.op(w.END);
  call();
  code.op(w.END);
  setReg(f, 0);
}

/** Ends the reservation of the record in R1, which was proved to be one, with flags in R2. `call` has the runtime do all of it. */
export function lowerCommit(f: FuncEnv, discard: boolean, call: () => void): void {
  const { code } = f;
  const map = code.local('ring', 'i32');
  const header = code.local('ring_header', 'i32');
  pushReg32(f, 1);
  code.i32(BPF_RINGBUF_HDR_SZ);
  code.op(w.I32_SUB);
  code.tee(header);
  code.mem(w.I32_LOAD, BPF_RINGBUF_HDR_SZ - RECORD_MAP);
  code.tee(map);
  code.mem(w.I32_LOAD, MAP_DATA_PTR);
  code.get(map);
  code.mem(w.I32_LOAD, RING_CONSUMER);
  code.get(map);
  code.mem(w.I32_LOAD, RING_MASK);
  // The reader has read all before it, or somebody has wishes about waking it.
  code.op(w.I32_AND, w.I32_ADD);
  code.get(header);
  code.op(w.I32_EQ);
  pushReg(f, 2);
  code.i64(0);
  code.op(w.I64_NE, w.I32_OR);
  code.block(w.IF);
  call();
  code.op(w.ELSE);
  code.get(header);
  code.get(header);
  code.mem(w.I32_LOAD, 0);
  code.i32(~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT));
  code.op(w.I32_AND);
  if (discard) {
    code.i32(BPF_RINGBUF_DISCARD_BIT);
    code.op(w.I32_OR);
  }
  code.mem(w.I32_STORE, 0);
  code.op(w.END);
}
