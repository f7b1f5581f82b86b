/** Arguments of messages in the kernel's forms. */

import type { LinkedProg } from '../../link/types.ts';
import * as abi from '../abi.ts';
import { exceptionCallbacks } from '../subprog-btf.ts';
import { helperName } from '../tables/helpers.ts';
import { formatAccessArg } from './format-access.ts';
import { formatCallArg } from './format-call.ts';

const REG_TYPE_NAMES: readonly string[] = [
  '?',
  'scalar',
  'ctx',
  'map_ptr',
  'map_value',
  'map_key',
  'fp',
  'pkt_meta',
  'pkt',
  'pkt_end',
  'flow_keys',
  'sock',
  'sock_common',
  'tcp_sock',
  'xdp_sock',
  'ptr_',
  'mem',
  'arena',
  'func',
  'dynptr_ptr',
];

const PREFIXES: readonly (readonly [number, string])[] = [
  [abi.MEM_RDONLY, 'rdonly_'],
  [abi.MEM_RINGBUF, 'ringbuf_'],
  [abi.MEM_USER, 'user_'],
  [abi.MEM_PERCPU, 'percpu_'],
  [abi.MEM_RCU, 'rcu_'],
  [abi.PTR_UNTRUSTED, 'untrusted_'],
  [abi.PTR_TRUSTED, 'trusted_'],
];

/** A type word as the kernel's log names it: `map_value_or_null`, `rdonly_mem`, `fp`. */
export function regTypeName(word: number): string {
  const base = word & abi.BASE_MASK;
  const prefix = PREFIXES.map(([flag, text]) => ((word & flag) !== 0 ? text : '')).join('');
  const orNull = (word & abi.PTR_MAYBE_NULL) === 0 ? '' : base === abi.PTR_TO_BTF_ID ? 'or_null_' : '_or_null';
  return `${prefix}${REG_TYPE_NAMES[base] ?? '?'}${orNull}`;
}

const ALU_OPS = ['+=', '-=', '*=', '/=', '|=', '&=', '<<=', '>>=', 'neg', '%=', '^=', '=', 's>>=', 'endian'];

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;

/** smin, smax and the range they should have been in. */
function outOfRange([smin, smax, lo, hi]: readonly bigint[]): string {
  const known = [smin > S64_MIN ? `smin=${smin}` : '', smax < S64_MAX ? `smax=${smax}` : ''].filter((t) => t !== '');
  return `${known.length > 0 ? known.join(' ') : 'unknown scalar value'} should have been in [${lo}, ${hi}]`;
}

/** What messages name by number. */
export interface Named {
  readonly prog: LinkedProg;
  /** Name of a row of INPUT_STRUCTS. */
  readonly structName: (row: number) => string;
}

/** `kind` of a placeholder; its argument is args[0] (a tnum takes two). */
export function formatArg(kind: string, args: readonly bigint[], { prog, structName }: Named): string {
  const value = args[0];
  const number = Number(BigInt.asIntN(32, value));
  switch (kind) {
    case 'hex':
      return hex(value);
    case 'hex2':
      return BigInt.asUintN(32, value).toString(16).padStart(2, '0');
    case 'regtype':
      return regTypeName(number >>> 0);
    case 'handler':
      return `'${exceptionCallbacks(prog)[0] ?? ''}'`;
    case 'helper':
      return helperName(number) ?? 'unknown';
    case 'map':
      // The kernel keeps 15 bytes of a name.
      return prog.maps[number]?.name.slice(0, 15) ?? `#${number}`;
    case 'kfunc':
      return prog.kfuncs[number] ?? `#${number}`;
    case 'func':
      return prog.funcs[number]?.name ?? `func#${number}`;
    case 'struct':
      return number < 0 ? '' : structName(number);
    case 'aluop':
      return ALU_OPS[number >> 4] ?? '?';
    case 'tnum':
      if (args[1] !== 0n) return `(${hex(args[0])}; ${hex(args[1])})`;
      return BigInt.asUintN(64, args[0]) > 0xffffn ? hex(args[0]) : `${args[0]}`;
    case 'range':
      return outOfRange(args);
    default:
      return formatCallArg(kind, number, prog) ?? formatAccessArg(kind, number) ?? value.toString();
  }
}
