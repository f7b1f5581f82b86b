// Clocks other than the monotonic one, as they are on a machine that never slept: all follow from `now`.
import { VM_HZ, VM_TAI_OFFSET } from '../../abi';
import { vm } from '../env';
import { now } from './state';

const SECOND: u64 = 1000000000;
/** Jiffies wrap around 32 bits this long after the start, so that who cannot bear it is found out (INITIAL_JIFFIES). */
const SECONDS_TO_WRAP: u32 = 300;

function tick(): u64 {
  return SECOND / load<u32>(vm, VM_HZ);
}

export function ktime_get_boot_ns(): i64 {
  return now();
}

/** The time of the latest tick. */
export function ktime_get_coarse_ns(): i64 {
  const time = now();
  return time - (time % tick());
}

export function ktime_get_tai_ns(): i64 {
  return now() + load<u64>(vm, VM_TAI_OFFSET);
}

/** Ticks since the start, which counts as -300 seconds in 32 bits. */
export function jiffies64(): i64 {
  const start: u32 = 0 - SECONDS_TO_WRAP * load<u32>(vm, VM_HZ);
  return <u64>start + now() / tick();
}
