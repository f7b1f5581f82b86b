/** What is known of a register, in words. */
import * as abi from './abi.ts';
import type { RegView } from './reg-view.ts';
import { regText, type StateNames } from './state-text.ts';

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U64_MAX = (1n << 64n) - 1n;

function numberWords(reg: RegView): string {
  if (reg.mask === 0n) return `the number ${BigInt.asIntN(64, reg.value)}`;
  if (reg.umax !== U64_MAX) return `a number from ${reg.umin} to ${reg.umax}`;
  if (reg.smin !== S64_MIN || reg.smax !== S64_MAX) return `a number from ${reg.smin} to ${reg.smax}`;
  return 'a number of which nothing is known';
}

function offsetWords(reg: RegView): string {
  if (reg.mask !== 0n) {
    const hi = reg.umax < 1n << 32n ? `${reg.umin} to ${reg.umax}` : 'an unknown number of';
    return ` plus ${reg.off === 0 ? '' : `${reg.off} and `}${hi} bytes`;
  }
  const off = BigInt(reg.off) + BigInt.asIntN(64, reg.value);
  return off === 0n ? '' : ` plus ${off} bytes`;
}

const POINTERS: Readonly<Record<number, string>> = {
  [abi.PTR_TO_CTX]: "the program's context",
  [abi.PTR_TO_PACKET]: 'a pointer into the packet',
  [abi.PTR_TO_PACKET_META]: "a pointer into the packet's metadata",
  [abi.PTR_TO_PACKET_END]: "the packet's end",
  [abi.PTR_TO_STACK]: 'a pointer to the stack',
  [abi.PTR_TO_FLOW_KEYS]: 'the flow keys',
  [abi.PTR_TO_SOCKET]: 'a socket',
  [abi.PTR_TO_SOCK_COMMON]: 'a socket (common part)',
  [abi.PTR_TO_TCP_SOCK]: 'a TCP socket',
  [abi.PTR_TO_XDP_SOCK]: 'an XDP socket',
  [abi.PTR_TO_ARENA]: 'a pointer into the arena',
  [abi.PTR_TO_FUNC]: 'the address of a function',
  [abi.CONST_PTR_TO_DYNPTR]: 'a dynptr',
};

function baseWords(reg: RegView, names: StateNames): string {
  const map = names.maps[reg.aux]?.name ?? '?';
  switch (reg.type & abi.BASE_MASK) {
    case abi.CONST_PTR_TO_MAP:
      return `the map ${map}`;
    case abi.PTR_TO_MAP_VALUE:
      return `a value of map ${map} (${names.maps[reg.aux]?.valueSize ?? 0} bytes)`;
    case abi.PTR_TO_MAP_KEY:
      return `a key of map ${map}`;
    case abi.PTR_TO_MEM:
      return `${reg.aux} bytes of memory`;
    case abi.PTR_TO_BTF_ID:
      return `a struct ${names.structName(reg.aux)}`;
    default:
      return POINTERS[reg.type & abi.BASE_MASK] ?? regText(reg, 0, names);
  }
}

function packetWords(reg: RegView): string {
  const base = reg.type & abi.BASE_MASK;
  if (base !== abi.PTR_TO_PACKET && base !== abi.PTR_TO_PACKET_META) return '';
  if (reg.aux <= 0) return ', with no byte behind it shown to be there';
  return `, of which ${reg.aux} bytes from its base on are shown to be there`;
}

/** `a pointer into the packet, with no byte behind it shown to be there`. */
export function inWords(reg: RegView, names: StateNames): string {
  if (reg.type === abi.SCALAR) return numberWords(reg);
  const orNull = (reg.type & abi.PTR_MAYBE_NULL) !== 0 ? ', or NULL' : '';
  return `${baseWords(reg, names)}${offsetWords(reg)}${orNull}${packetWords(reg)}`;
}
