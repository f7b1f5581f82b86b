/** Which function of the runtime a helper call becomes: what is known of the map, or of who reads the result, picks a narrower one. */
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_XSKMAP,
} from '../../assembly/isa.ts';
import { BPF_FUNC_tail_call, HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { MapSpec } from '../object/types.ts';
import type { Facts } from '../verifier/facts.ts';
import type { CheckedProg } from '../verifier/structural.ts';
import { loopCallback } from './lower-loop.ts';
import { isInlineState } from './lower-state.ts';

/** `inline`: a lookup without a call; `state`: a helper without one; `loop`: calls of the callback that starts at a pc. */
export type Variant =
  | { readonly kind: 'state'; readonly helper: string }
  | { readonly kind: 'loop'; readonly callback: number }
  | { readonly kind: 'call'; readonly name: string; readonly words?: string | undefined }
  | { readonly kind: 'inline'; readonly map: number };

/** Maps whose elements follow one another from the first index on. */
const INLINE: readonly number[] = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS];
/** Key sizes that hashes have lookups of their own for. */
const WHOLE_WORDS: readonly number[] = [4, 8, 16];
/** An LPM key whose bytes, behind its length, fit one word. */
const SHORT_LPM_KEY = 12;

function lookupOf(map: MapSpec): string | undefined {
  const own = WHOLE_WORDS.includes(map.keySize) ? `${map.keySize}` : '';
  switch (map.type) {
    case BPF_MAP_TYPE_HASH:
      return `hash_lookup${own}`;
    case BPF_MAP_TYPE_LRU_HASH:
      return `lru_lookup${own}`;
    case BPF_MAP_TYPE_LPM_TRIE:
      return map.keySize <= SHORT_LPM_KEY ? 'lpm_lookup_short' : 'lpm_lookup';
    case BPF_MAP_TYPE_PERCPU_HASH:
      return 'percpu_hash_lookup';
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return 'lru_percpu_lookup';
    default:
      return undefined;
  }
}

const UPDATE: Readonly<Record<number, string>> = {
  [BPF_MAP_TYPE_ARRAY]: 'array_update',
  [BPF_MAP_TYPE_PERCPU_ARRAY]: 'percpu_array_update',
  [BPF_MAP_TYPE_HASH]: 'hash_update',
  [BPF_MAP_TYPE_PERCPU_HASH]: 'percpu_hash_update',
  [BPF_MAP_TYPE_LRU_HASH]: 'lru_update',
  [BPF_MAP_TYPE_LRU_PERCPU_HASH]: 'lru_percpu_update',
  [BPF_MAP_TYPE_LPM_TRIE]: 'lpm_update',
};

const DELETE: Readonly<Record<number, string>> = {
  [BPF_MAP_TYPE_HASH]: 'hash_delete',
  [BPF_MAP_TYPE_PERCPU_HASH]: 'hash_delete',
  [BPF_MAP_TYPE_LRU_HASH]: 'lru_delete',
  [BPF_MAP_TYPE_LRU_PERCPU_HASH]: 'lru_delete',
  [BPF_MAP_TYPE_LPM_TRIE]: 'lpm_delete',
};

/** The runtime's function for this helper on a map of this type. */
function direct(helper: string, map: MapSpec): string | undefined {
  if (helper === 'map_lookup_elem') return lookupOf(map);
  if (helper === 'map_update_elem') return UPDATE[map.type];
  if (helper === 'redirect_map') return REDIRECT_MAP[map.type];
  return helper === 'map_delete_elem' ? DELETE[map.type] : undefined;
}

/** Functions that take a key of so many bytes in registers, with its hash. */
const MAX_WORDS_KEY = 16;
const WORDS: Readonly<Record<string, string>> = {
  hash_update: 'hash_update_words',
  hash_delete: 'hash_delete_words',
  lru_update: 'lru_update_words',
  lru_delete: 'lru_delete_words',
};

const REDIRECT_MAP: Record<number, string> = {
  [BPF_MAP_TYPE_DEVMAP]: 'devmap_redirect',
  [BPF_MAP_TYPE_DEVMAP_HASH]: 'devmap_hash_redirect',
  [BPF_MAP_TYPE_CPUMAP]: 'cpumap_redirect',
  [BPF_MAP_TYPE_XSKMAP]: 'xskmap_redirect',
};

function onMap(helper: string, map: MapSpec, index: number): Variant | undefined {
  if (helper === 'map_lookup_elem' && INLINE.includes(map.type)) return { kind: 'inline', map: index };
  const name = direct(helper, map);
  if (name === undefined) return undefined;
  return { kind: 'call', name, words: map.keySize <= MAX_WORDS_KEY ? WORDS[name] : undefined };
}

/** Whether R0 is overwritten before anything reads it, as far as straight-line code shows. */
export function resultIsDead(ops: CheckedProg['ops'], pc: number): boolean {
  for (let p = pc + 1; p < ops.length; p++) {
    const op = ops[p];
    // A tail call that is missed leaves R0 alone.
    if (op?.kind === 'call') return op.helper !== BPF_FUNC_tail_call;
    if (op?.kind === 'call_local' || op?.kind === 'call_kfunc') return true;
    if (op?.kind === 'lddw' && op.dst === 0) return true;
    if (op?.kind !== 'alu' || op.op !== 'mov') return false;
    if (op.src?.kind === 'reg' && op.src.reg === 0) return false;
    if (op.dst === 0) return true;
  }
  return false;
}

/** Functions that believe what the verifier proved of their arguments. */
const TRUSTING: Readonly<Record<string, string>> = {
  ringbuf_submit: 'ringbuf_submit_proved',
  ringbuf_discard: 'ringbuf_discard_proved',
};

/** What is known of a program's calls. */
interface Known {
  readonly checked: CheckedProg;
  readonly facts: Facts;
  readonly checks: boolean;
  readonly shared: boolean;
}

/** The variant for the helper call at `pc`. */
export function variantOf({ checked, facts, checks, shared }: Known, pc: number, op: Op & { kind: 'call' }): Variant {
  const name = HELPER_BY_ID.get(op.helper)?.name ?? '';
  if (isInlineState(name, pc < checked.funcs[0].end, shared)) return { kind: 'state', helper: name };
  if (!checks && Object.hasOwn(TRUSTING, name)) return { kind: 'call', name: TRUSTING[name] };
  const callback = name === 'loop' ? loopCallback(checked, pc) : undefined;
  if (callback !== undefined) return { kind: 'loop', callback };
  if (name === 'trace_printk' && resultIsDead(checked.ops, pc)) return { kind: 'call', name: 'trace_printk_void' };
  const map = facts.args[pc]?.[0];
  const found = map?.kind === 'map' ? onMap(name, checked.prog.maps[map.map], map.map) : undefined;
  return found ?? { kind: 'call', name };
}
