// Markers of sections in which nothing else may run, or nothing may be freed: one thread runs programs here, and it frees nothing under them.
// The verifier sees to it that every section ends.

export function bpf_rcu_read_lock(_1: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return 0;
}

export function bpf_rcu_read_unlock(_1: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return 0;
}

export function bpf_preempt_disable(_1: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return 0;
}

export function bpf_preempt_enable(_1: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return 0;
}

/** Interrupts do not come here: nothing to save, nothing to restore. */
export function bpf_local_irq_save(_1: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return 0;
}

export function bpf_local_irq_restore(_1: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return 0;
}
