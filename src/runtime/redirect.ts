/** Where a program redirected its packet to: what bpf_redirect or bpf_redirect_map left in the context record, with names. */
import { CTX_STATUS_BROADCAST, CTX_STATUS_EXCLUDE_INGRESS, CTX_STATUS_REDIRECT_MAP } from '../../assembly/abi.ts';
import type { BpfMap } from './map.ts';
import type { ContextResult } from './packet.ts';
import { type RedirectEntry, RedirectMap } from './redirect-map.ts';

export interface Redirect {
  /** The device it is to leave by; 0 where that is not one device. */
  readonly ifindex: number;
  /** Of bpf_redirect_map: BPF_F_BROADCAST, BPF_F_EXCLUDE_INGRESS. */
  readonly flags: number;
  /** The map and the key that bpf_redirect_map was given. */
  readonly map?: string;
  readonly key?: number;
  /** What the map holds there: a device, a CPU's queue, a socket. */
  readonly target?: RedirectEntry;
}

/** @param mapAt finds a map by its address */
export function redirectOf(out: ContextResult, mapAt: (address: number) => BpfMap | undefined): Redirect {
  const { status, redirectIfindex, redirectFlags } = out;
  if ((status & CTX_STATUS_REDIRECT_MAP) === 0) return { ifindex: redirectIfindex, flags: redirectFlags };
  const flags = status & (CTX_STATUS_BROADCAST | CTX_STATUS_EXCLUDE_INGRESS);
  const map = mapAt(redirectIfindex);
  const key = redirectFlags;
  if (!(map instanceof RedirectMap)) return { ifindex: 0, flags, key };
  // A broadcast goes to all of them, whatever the key.
  const all = (flags & CTX_STATUS_BROADCAST) !== 0;
  const target = all ? undefined : map.get(new Uint8Array(Uint32Array.of(key).buffer));
  return { ifindex: target?.ifindex ?? 0, flags, map: map.name, key, ...(target !== undefined && { target }) };
}
