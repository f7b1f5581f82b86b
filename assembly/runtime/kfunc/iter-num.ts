// Open-coded iterator over the numbers of [start, end). Its state lies in the program's frame, and so does the number it hands out.
//
//   struct bpf_iter_num   0  cur  i32
//                         4  end  i32
import { VM_BUDGET } from '../../abi';
import { BPF_MAX_LOOPS, E2BIG, EINVAL } from '../../isa';
import { vm } from '../env';

function set(it: u32, cur: i32, end: i32): void {
  store<i32>(it, cur);
  store<i32>(it, end, 4);
}

/** A round of an iterator costs an insn of the budget; false when that is used up, which the program's own code reports. */
export function payRound(): bool {
  const left = load<i32>(vm, VM_BUDGET) - 1;
  store<i32>(vm, left, VM_BUDGET);
  return left >= 0;
}

export function bpf_iter_num_new(it: u64, from: u64, to: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const start = <i32>from;
  const end = <i32>to;
  set(<u32>it, 0, 0);
  if (start > end) return <u32>-EINVAL;
  if (<i64>end - start > <i64>BPF_MAX_LOOPS) return <u32>-E2BIG;
  set(<u32>it, start - 1, end);
  return 0;
}

/** The address of the next number, or 0. */
export function bpf_iter_num_next(it: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const at = <u32>it;
  const next = <i64>load<i32>(at) + 1;
  if (next >= load<i32>(at, 4) || !payRound()) {
    set(at, 0, 0);
    return 0;
  }
  store<i32>(at, <i32>next);
  return at;
}

export function bpf_iter_num_destroy(it: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  set(<u32>it, 0, 0);
  return 0;
}
