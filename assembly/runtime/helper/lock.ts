// bpf_spin_lock and bpf_res_spin_lock. Where one thread runs programs a lock is always free but for who holds it already.
//
// Where several do, bpf_spin_lock waits. A program holds one at a time, and struct Vm says which: a run that ends in a violation gives it back.
// Programs with bpf_res_spin_lock do not run on several threads.
import { VM_HELD_LOCK } from '../../abi';
import { EDEADLK } from '../../isa';
import { vm } from '../env';
import { lock, unlock } from '../lock';
import { THREADS } from '../thread';

/** The word as the kernel has it while the lock is held. */
const HELD: u32 = 1;

export function spin_lock(at: u32): void {
  if (THREADS) {
    lock(at);
    store<u32>(vm, at, VM_HELD_LOCK);
  } else store<u32>(at, HELD);
}

export function spin_unlock(at: u32): void {
  if (THREADS) {
    store<u32>(vm, 0, VM_HELD_LOCK);
    unlock(at);
  } else store<u32>(at, 0);
}

/** The run ended in a violation: the lock that it held is free. */
export function locks_release(): void {
  const held = load<u32>(vm, VM_HELD_LOCK);
  if (held) spin_unlock(held);
}

/** 0, or -EDEADLK when this program holds it. */
function acquire(at: u32): i64 {
  if (load<u32>(at)) return -EDEADLK;
  store<u32>(at, HELD);
  return 0;
}

export function bpf_res_spin_lock(at: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return acquire(<u32>at);
}

export function bpf_res_spin_unlock(at: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  store<u32>(<u32>at, 0);
  return 0;
}

export function bpf_res_spin_lock_irqsave(at: u64, _flags: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return acquire(<u32>at);
}

export function bpf_res_spin_unlock_irqrestore(at: u64, _flags: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  store<u32>(<u32>at, 0);
  return 0;
}
