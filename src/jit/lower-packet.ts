/** Helpers on the packet whose common case takes no call. */
import { CTX_HARD_START, XDP_MD_DATA, XDP_MD_DATA_END, XDP_MD_DATA_META } from '../../assembly/abi.ts';
import { EINVAL } from '../../assembly/isa.ts';
import { type FuncEnv, pushRecord, pushReg32, setReg } from './env.ts';
import * as w from './opcodes.ts';

/** An Ethernet header stays (ETH_HLEN). */
const SHORTEST = 14;

/** bpf_xdp_adjust_head of a packet without metadata; `call` leaves the helper's result for the others on the stack. */
export function lowerAdjustHead(f: FuncEnv, call: () => void): void {
  const { code } = f;
  const record = code.local('record', 'i32');
  const moved = code.local('moved', 'i64');
  pushRecord(f);
  code.tee(record);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA);
  code.tee(moved);
  code.get(record);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA_META);
  code.op(w.I64_EQ);
  code.block(w.IF, w.I64);
  moveHead(f, record, moved);
  code.op(w.ELSE);
  call();
  code.op(w.END);
  setReg(f, 0);
}

/** `moved` holds the packet's start: adds R2's low half, if what it gives is a place where the packet may start. A branch for each limit: they are taken alike. */
function moveHead(f: FuncEnv, record: number, moved: number): void {
  const { code } = f;
  code.block(w.BLOCK, w.I64);
  code.block(w.BLOCK);
  code.get(moved);
  pushReg32(f, 2);
  code.op(w.I64_EXTEND_I32_S, w.I64_ADD);
  code.tee(moved);
  code.get(record);
  code.mem(w.I64_LOAD32_U, CTX_HARD_START);
  code.op(w.I64_LT_S);
  code.br(w.BR_IF, 0);
  code.get(moved);
  code.i64(SHORTEST);
  code.op(w.I64_ADD);
  code.get(record);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA_END);
  code.op(w.I64_GT_S);
  code.br(w.BR_IF, 0);
  for (const field of [XDP_MD_DATA, XDP_MD_DATA_META]) {
    code.get(record);
    code.get(moved);
    code.mem(w.I64_STORE32, field);
  }
  code.i64(0);
  code.br(w.BR, 1);
  code.op(w.END);
  code.i64(-EINVAL);
  code.op(w.END);
}
