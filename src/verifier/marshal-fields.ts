/** Special fields of values and objects -> rows of MF_SIZE. */
import * as abi from './abi.ts';
import type { RequestWriter } from './request.ts';
import type { SpecialField } from './special-fields.ts';

/** Writes the fields; their address, 0 for none. */
export function writeFields(
  input: RequestWriter,
  fields: readonly SpecialField[],
  structOf: (field: SpecialField) => number,
): number {
  const bytes = new Uint8Array(fields.length * abi.MF_SIZE);
  const view = new DataView(bytes.buffer);
  fields.forEach((field, i) => {
    const at = i * abi.MF_SIZE;
    const isOwnedKptr = field.kind === abi.FIELD_KPTR_REF || field.kind === abi.FIELD_KPTR_PERCPU;
    view.setUint32(at + abi.MF_KIND, field.kind, true);
    view.setUint32(at + abi.MF_OFFSET, field.offset, true);
    view.setUint32(at + abi.MF_BYTES, field.bytes, true);
    view.setInt32(at + abi.MF_STRUCT, structOf(field), true);
    view.setUint32(at + abi.MF_NODE_OFFSET, field.nodeOffset ?? (isOwnedKptr ? 1 : 0), true);
  });
  return input.add(bytes);
}
