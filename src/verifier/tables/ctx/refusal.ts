// Why an access of a ctx, a socket or flow keys is refused: what the kernel's "invalid bpf_context access" leaves unsaid.

import { SCALAR } from '../../abi.ts';
import type { CtxField, CtxStruct, Shape } from './field.ts';

export interface CtxAccess {
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  /** A load that extends the sign. */
  readonly signed?: boolean;
}

/**
 * `outside`: not all of it lies in the struct. `padding`: no field is there. `hidden`: the field is not for this program type,
 * attach type or without CAP_BPF. `direction`: the field is never written (or never read). `across`: it reaches into a neighbour.
 * `width`: the field may be accessed, not in this width at this place: `widths` may. `signed`: the field is a pointer.
 */
export interface CtxRefusal {
  readonly reason: 'outside' | 'padding' | 'hidden' | 'direction' | 'across' | 'width' | 'signed';
  readonly struct: string;
  readonly field?: string;
  /** Sizes in which the field may be accessed, smallest first; for `width` and `across`. */
  readonly widths?: readonly number[];
  /** They may be used at the field's own offset alone. */
  readonly atStart?: boolean;
}

const covers =
  (off: number) =>
  (field: CtxField): boolean =>
    off >= field.offset && off < field.offset + field.size;

const sizes = (mask: number): number[] => [1, 2, 4, 8].filter((width) => (mask & width) !== 0);

/** Why the struct's table refuses the access; the answer for one that it allows means nothing. */
export function ctxRefusal(struct: CtxStruct, { off, size, write, signed }: CtxAccess): CtxRefusal {
  const name = struct.name;
  if (off < 0 || off + size > struct.size) return { reason: 'outside', struct: name };
  const field = struct.fields.find(covers(off));
  if (field === undefined) {
    const hidden = struct.hidden.find(covers(off));
    return hidden === undefined
      ? { reason: 'padding', struct: name }
      : { reason: 'hidden', struct: name, field: hidden.name };
  }
  const shape: Shape = write ? field.write : field.read;
  const mask = shape.within | shape.atStart;
  const about = { struct: name, field: field.name };
  if (mask === 0) return { reason: 'direction', ...about };
  if (signed === true && (mask & size) !== 0 && field.type !== SCALAR) return { reason: 'signed', ...about };
  const reason = off + size > field.offset + field.size ? 'across' : 'width';
  return { reason, ...about, widths: sizes(mask), atStart: shape.within === 0 };
}

/** The refusal as a sentence. `of` names who may not: `sched_cls programs`. */
export function ctxRefusalText(refusal: CtxRefusal, access: CtxAccess, of: string): string {
  const { reason, struct, field, widths = [], atStart } = refusal;
  const member = `${struct}.${field}`;
  switch (reason) {
    case 'outside':
      return `the access reaches outside struct ${struct}`;
    case 'padding':
      return `struct ${struct} has padding at offset ${access.off}`;
    case 'hidden':
      return `${of} have no access to ${member}`;
    case 'direction':
      return `${of} may not ${access.write ? 'write' : 'read'} ${member}`;
    case 'signed':
      return `${member} is a pointer: a load that extends the sign cannot give one`;
    default: {
      const verb = access.write ? 'written' : 'read';
      const where = atStart === true ? ', from its first byte on' : '';
      const bytes = widths.length === 1 && widths[0] === 1 ? 'byte' : 'bytes';
      return `${member} is ${verb} in ${widths.join(', ')} ${bytes}${where}, aligned; this access has ${access.size} at offset ${access.off}`;
    }
  }
}
