/** What a prog array compares before it takes a program (bpf_prog_map_compatible): programs that could not follow each other may not meet in one. */
import { RunError } from '../errors/index.ts';
import type { ProgType } from '../object/types.ts';

export interface SlotKind {
  readonly type: ProgType;
  /** expected_attach_type as it is loaded: 0 where nothing was said. */
  readonly attachType: number;
  readonly frags: boolean;
  /** Its packets come from one device: it can follow no other program. */
  readonly deviceBound: boolean;
}

/** `xdp.frags`, `xdp with attach type 33`. */
export function slotKindText({ type, attachType, frags }: SlotKind): string {
  return `${type}${frags ? '.frags' : ''}${attachType === 0 ? '' : ` with attach type ${attachType}`}`;
}

/** A program that is bound to a device may be in no map. @throws RunError RUN_PROG_TYPE */
export function refuseBound(
  map: string,
  { name, slotKind }: { readonly name: string; readonly slotKind: SlotKind },
): void {
  if (!slotKind.deviceBound) return;
  const type = slotKindText(slotKind);
  const expected = `${type} bound to no device`;
  throw new RunError('RUN_PROG_TYPE', { map, prog: name, type: `${type} bound to one`, expected });
}
