/** Programs that commands work on: some there must be, and each has a type. */
import { ObjectError } from '../errors/index.ts';
import { slotSection } from '../object/slots.ts';
import type { BpfObject, ProgType } from '../object/types.ts';
import { PACKET_TYPES } from '../verifier/tables/helpers-row.ts';
import type { Args } from './args.ts';

export const TYPE_HELP = `  --type TYPE            type of the programs whose section names say none (xdp, sched_cls, ...)`;

/** An object without programs is one (it may only declare maps), but there is nothing to do with it here. */
export function requireProgs({ progs, elf }: BpfObject): void {
  if (progs.length > 0) return;
  const names = elf.sections.slice(1).map((s) => s.name);
  const sections = names.filter((name) => !name.startsWith('.debug') && !name.startsWith('.rel')).slice(0, 20);
  throw new ObjectError('OBJECT_NO_PROGS', { sections: sections.join(', ') || 'none' });
}

/** `--type`; otherwise programs of iproute2's `M/N` sections are what the object's other programs are, where those agree. */
export function giveTypes(object: BpfObject, args: Args): void {
  const given = args.choice('type', PACKET_TYPES);
  const known = new Set(object.progs.map((prog) => prog.type).filter((type) => type !== 'unspec'));
  const only: ProgType | undefined = known.size === 1 ? [...known][0] : undefined;
  for (const prog of object.progs) {
    if (prog.type !== 'unspec') continue;
    if (given !== undefined) prog.type = given;
    else if (only !== undefined && slotSection(prog.section) !== undefined) prog.type = only;
  }
}
