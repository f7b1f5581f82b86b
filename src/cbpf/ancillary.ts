/**
 * Ancillary loads: what `ld #k` from SKF_AD_OFF on asks of the packet's metadata (linux/filter.h), and where `struct __sk_buff` or a helper
 * answers it.
 */
import { BPF_FUNC_get_prandom_u32, BPF_FUNC_get_smp_processor_id } from '../isa/helpers.ts';

/** Offsets from here to -1 are ancillary. */
export const SKF_AD_OFF = -0x1000;

export type Answer =
  /** A field of `struct __sk_buff`; `swap` where it is in network order. */
  | { readonly kind: 'field'; readonly offset: number; readonly swap: boolean }
  /** What a helper without arguments returns. */
  | { readonly kind: 'helper'; readonly id: number }
  /** A ^= X: it reads no metadata at all. */
  | { readonly kind: 'xor' }
  | { readonly kind: 'none'; readonly why: string };

export interface Ancillary {
  readonly name: string;
  readonly answer: Answer;
}

const field = (name: string, offset: number, swap = false): Ancillary => ({
  name: `SKF_AD_${name}`,
  answer: { kind: 'field', offset, swap },
});
const helper = (name: string, id: number): Ancillary => ({ name: `SKF_AD_${name}`, answer: { kind: 'helper', id } });
const none = (name: string, why: string): Ancillary => ({ name: `SKF_AD_${name}`, answer: { kind: 'none', why } });

const NO_WALK = 'no helper of socket filters walks netlink attributes';

/** By distance from SKF_AD_OFF. */
export const ANCILLARY: ReadonlyMap<number, Ancillary> = new Map([
  [0, field('PROTOCOL', 16, true)],
  [4, field('PKTTYPE', 4)],
  [8, field('IFINDEX', 40)],
  [12, none('NLATTR', NO_WALK)],
  [16, none('NLATTR_NEST', NO_WALK)],
  [20, field('MARK', 8)],
  [24, field('QUEUE', 12)],
  [28, none('HATYPE', 'struct __sk_buff has no hardware type of the device')],
  [32, field('RXHASH', 68)],
  [36, helper('CPU', BPF_FUNC_get_smp_processor_id)],
  [40, { name: 'SKF_AD_ALU_XOR_X', answer: { kind: 'xor' } }],
  [44, field('VLAN_TAG', 24)],
  [48, field('VLAN_TAG_PRESENT', 20)],
  [52, none('PAY_OFFSET', "struct __sk_buff does not say where the packet's payload begins")],
  [56, helper('RANDOM', BPF_FUNC_get_prandom_u32)],
  [60, field('VLAN_TPID', 28, true)],
]);

/** The field that a load of packet offset `k` asks for; undefined when the offset is one of the packet. */
export function ancillaryOffset(k: number): number | undefined {
  const offset = (k | 0) - SKF_AD_OFF;
  return (k | 0) < 0 && offset >= 0 ? offset : undefined;
}
