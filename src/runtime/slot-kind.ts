/** What a prog array compares before it takes a program (bpf_prog_map_compatible): programs that could not follow each other may not meet in one. */
import type { ProgType } from '../object/types.ts';

export interface SlotKind {
  readonly type: ProgType;
  /** expected_attach_type as it is loaded: 0 where nothing was said. */
  readonly attachType: number;
  readonly frags: boolean;
}

/** `xdp.frags`, `xdp with attach type 33`. */
export function slotKindText({ type, attachType, frags }: SlotKind): string {
  return `${type}${frags ? '.frags' : ''}${attachType === 0 ? '' : ` with attach type ${attachType}`}`;
}
