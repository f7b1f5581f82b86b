// bpf_spin_lock and bpf_res_spin_lock: one thread runs programs, so a lock is always free but for who holds it already.
import { EDEADLK } from '../../isa';

/** The word as the kernel has it while the lock is held. */
const HELD: u32 = 1;

export function spin_lock(lock: u32): void {
  store<u32>(lock, HELD);
}

export function spin_unlock(lock: u32): void {
  store<u32>(lock, 0);
}

/** 0, or -EDEADLK when this program holds it. */
function acquire(lock: u32): i64 {
  if (load<u32>(lock)) return -EDEADLK;
  store<u32>(lock, HELD);
  return 0;
}

export function bpf_res_spin_lock(lock: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return acquire(<u32>lock);
}

export function bpf_res_spin_unlock(lock: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  store<u32>(<u32>lock, 0);
  return 0;
}

export function bpf_res_spin_lock_irqsave(lock: u64, _flags: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return acquire(<u32>lock);
}

export function bpf_res_spin_unlock_irqrestore(lock: u64, _flags: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  store<u32>(<u32>lock, 0);
  return 0;
}
