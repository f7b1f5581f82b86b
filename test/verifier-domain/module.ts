// The number domains as a module of their own: compiled from source in memory, numbers are addresses in its memory.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import type { ScalarFields } from '../../src/verifier/scalar-text.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = 'domain-entry.ts';
const EXPORTS = ['alu', 'branch', 'extend', 'refine', 'scalar', 'sync', 'tnum'];
const SOURCE = `
${EXPORTS.map((file) => `export * from './assembly/verifier/domain/${file}';`).join('\n')}
import { Scalar } from './assembly/verifier/domain/scalar';
export function setUnknown(reg: Scalar): void { reg.setUnknown(); }
export function setConst(reg: Scalar, v: u64): void { reg.setConst(v); }
`;

export const SIZE = 64;

export interface Domain {
  readonly memory: WebAssembly.Memory;
  setUnknown(reg: number): void;
  setConst(reg: number, value: bigint): void;
  copyScalar(dst: number, src: number): void;
  scalarEquals(a: number, b: number): number;
  scalarWithin(outer: number, inner: number): number;
  scalarAlu(op: number, is64: boolean, dst: number, src: number): void;
  movZext32(reg: number): void;
  truncate(reg: number, size: number): void;
  signExtend(reg: number, size: number): void;
  signExtend32(reg: number, size: number): void;
  byteSwap(reg: number, bits: number, swaps: boolean): void;
  splits(op: number, dst: number, src: number): number;
  branchTaken(op: number, is32: boolean, a: number, b: number): number;
  refine(op: number, is32: boolean, a: number, b: number): void;
  invert(op: number): number;
  sync(reg: number): void;
  isConsistent(reg: number): number;
  checkConsistent(reg: number): number;
  tnumAdd(t: number, value: bigint, mask: bigint): void;
  tnumSub(t: number, value: bigint, mask: bigint): void;
  tnumMul(t: number, value: bigint, mask: bigint): void;
  tnumAnd(t: number, value: bigint, mask: bigint): void;
  tnumOr(t: number, value: bigint, mask: bigint): void;
  tnumXor(t: number, value: bigint, mask: bigint): void;
  tnumIntersect(t: number, value: bigint, mask: bigint): void;
  tnumNeg(t: number): void;
  tnumRange(t: number, min: bigint, max: bigint): void;
  tnumLsh(t: number, shift: bigint): void;
  tnumRsh(t: number, shift: bigint): void;
  tnumArsh(t: number, shift: bigint): void;
  tnumArsh32(t: number, shift: number): void;
  tnumNext(t: number, number: bigint): bigint;
  tnumOverlap(value: bigint, mask: bigint, otherValue: bigint, otherMask: bigint): number;
  tnumContains(outer: number, inner: number): number;
}

function readSource(name: string, baseDir: string): string | null {
  if (name === ENTRY) return SOURCE;
  // The runtime's options are not this module's.
  if (name.endsWith('asconfig.json')) return null;
  try {
    return readFileSync(join(baseDir, name), 'utf8');
  } catch {
    return null;
  }
}

export async function loadDomain(): Promise<Domain> {
  let binary: Uint8Array | undefined;
  const writeFile = (name: string, contents: Uint8Array | string): void => {
    if (name === 'domain.wasm') binary = contents as Uint8Array;
  };
  const args = [ENTRY, '--baseDir', ROOT, '--outFile', 'domain.wasm', '--runtime', 'stub', '-O1', '--use', 'abort='];
  const { error, stderr } = await asc.main(
    [...args, '--memoryBase', '8192', '--initialMemory', '1', '--enable', 'simd'],
    {
      readFile: readSource,
      writeFile,
      listFiles: () => null,
    },
  );
  if (error !== null || binary === undefined) throw new Error(`asc: ${error?.message}\n${stderr.toString()}`);
  const { instance } = await WebAssembly.instantiate(binary as BufferSource);
  return instance.exports as unknown as Domain;
}

/** The number at `reg`. */
export function readScalar({ memory }: Domain, reg: number): ScalarFields {
  const view = new DataView(memory.buffer, reg, SIZE);
  return {
    value: view.getBigUint64(0, true),
    mask: view.getBigUint64(8, true),
    umin: view.getBigUint64(16, true),
    umax: view.getBigUint64(24, true),
    smin: view.getBigInt64(32, true),
    smax: view.getBigInt64(40, true),
    u32Min: BigInt(view.getUint32(48, true)),
    u32Max: BigInt(view.getUint32(52, true)),
    s32Min: BigInt(view.getInt32(56, true)),
    s32Max: BigInt(view.getInt32(60, true)),
  };
}

/** Whether the concrete number may be what is known at `reg`. */
export function admits(domain: Domain, reg: number, number: bigint): boolean {
  const s = readScalar(domain, reg);
  const v = BigInt.asUintN(64, number);
  const signed = BigInt.asIntN(64, v);
  const low = BigInt.asUintN(32, v);
  const signedLow = BigInt.asIntN(32, v);
  return (
    (v & ~s.mask) === s.value &&
    v >= s.umin &&
    v <= s.umax &&
    signed >= s.smin &&
    signed <= s.smax &&
    low >= s.u32Min &&
    low <= s.u32Max &&
    signedLow >= s.s32Min &&
    signedLow <= s.s32Max
  );
}
