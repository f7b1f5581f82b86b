// Helpers that read or step the state of the running thread: the clock, random numbers, the CPU's number.
import { CTX_TIME, VM_CPU, VM_CTX, VM_PRNG, VM_TIME } from '../../abi';
import { vm } from '../env';
import { setHashSeed } from '../map/hash-table';
import { setSipKey } from '../net/siphash';

/** The packet's own time when its context carries one, else the engine's clock. */
export function now(): u64 {
  const ctx = load<u32>(vm, VM_CTX);
  if (ctx) {
    const time = load<u64>(ctx, CTX_TIME);
    if (time) return time;
  }
  return load<u64>(vm, VM_TIME);
}

export function ktime_get_ns(): i64 {
  return now();
}

/** SplitMix64 (Steele, Lea, Flood 2014): every state gives a full-period sequence, so any seed will do. */
function splitmix(state: u64): u64 {
  let z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

export function get_prandom_u32(): i64 {
  const state = load<u64>(vm, VM_PRNG) + 0x9e3779b97f4a7c15;
  store<u64>(vm, state, VM_PRNG);
  return splitmix(state) >> 32;
}

export function get_smp_processor_id(): i64 {
  return load<u32>(vm, VM_CPU);
}

/** Seeds random numbers and the hashes of maps created from now on. */
export function seed(low: u32, high: u32): void {
  const value = ((<u64>high) << 32) | low;
  store<u64>(vm, value, VM_PRNG);
  setSipKey(splitmix(value ^ 0xbb67ae8584caa73b), splitmix(value ^ 0x3c6ef372fe94f82b));
  setHashSeed(splitmix(value ^ 0x6a09e667f3bcc909));
}
