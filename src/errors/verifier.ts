/** Error rows of the verifier: code -> text. The kernel's own words come first where it has some. */
import { MAX_CALL_FRAMES } from '../../assembly/isa.ts';

/** Why a program is refused. */
export interface RefusedFields {
  readonly prog: string;
  /** Name of the rule, as `INFINITE_LOOP`. */
  readonly rule: string;
  /** What is at stake. */
  readonly class: 'safety' | 'form' | 'limit' | 'rights';
  /** The kernel's words: the last line of them. */
  readonly text: string;
  /** All of them, from the one that decided on. */
  readonly lines: readonly string[];
  /** Name of the kernel's error number. */
  readonly errno: string;
  readonly pc: number;
  readonly insn: string;
  /** ` at FILE:LINE`, '' where the source is not known. */
  readonly where: string;
  readonly source?: { readonly file: string; readonly line: number; readonly column: number; readonly text: string };
  /** The CO-RE relocation that the target could not answer, where the insn stood for one. */
  readonly unresolved?: string;
  /** What was needed and what was there: the numbers of the message. */
  readonly args: readonly (number | string)[];
  /** What was known of the innermost frame's registers and stack. */
  readonly registers: readonly { readonly name: string; readonly text: string }[];
}

export const VERIFIER_ERRORS = {
  VERIFIER_EMPTY: (f: { prog: string; func: string }) =>
    `program ${f.prog}: function ${f.func} has no insns, or its range lies outside the program`,
  VERIFIER_JUMP_RANGE: (f: { prog: string; pc: number; target: number; func: string }) =>
    `program ${f.prog}: jump out of range from insn ${f.pc} to ${f.target}: a jump must stay inside its function (${f.func})`,
  VERIFIER_JUMP_MIDDLE: (f: { prog: string; pc: number; target: number }) =>
    `program ${f.prog}: jump from insn ${f.pc} into the middle of ldimm64 insn ${f.target}`,
  VERIFIER_FRAME_POINTER: (f: { prog: string; pc: number }) =>
    `program ${f.prog}: insn ${f.pc}: frame pointer is read only`,
  VERIFIER_HELPER: (f: { prog: string; pc: number; helper: number; name: string }) =>
    `program ${f.prog}: insn ${f.pc}: helper ${f.name === '' ? '' : `bpf_${f.name}`}#${f.helper} is unknown, or this engine does not implement it`,
  VERIFIER_KFUNC: (f: { prog: string; pc: number; kfunc: string }) =>
    `program ${f.prog}: insn ${f.pc}: kfunc ${f.kfunc} is unknown, or this engine does not implement it`,
  VERIFIER_KSYM: (f: { prog: string; pc: number; id: number }) =>
    `program ${f.prog}: insn ${f.pc}: kernel variable with BTF id ${f.id}: there is no kernel here to take it from`,
  VERIFIER_MAP_INDEX: (f: { prog: string; pc: number; map: number; maps: number }) =>
    `program ${f.prog}: insn ${f.pc} refers to map ${f.map}, but the program has ${f.maps} maps`,
  VERIFIER_MAP_VALUE: (f: { prog: string; pc: number; map: string }) =>
    `program ${f.prog}: insn ${f.pc} takes the address of a value of map ${f.map}: only an array map has one that is known beforehand`,
  VERIFIER_CALL_TARGET: (f: { prog: string; pc: number; target: number }) =>
    `program ${f.prog}: insn ${f.pc} calls ${f.target}, where no function starts`,
  VERIFIER_FALLS_OFF: (f: { prog: string; pc: number; func: string }) =>
    `program ${f.prog}: last insn of ${f.func} (${f.pc}) is not an exit or jmp: control would fall off the end`,
  VERIFIER_RECURSION: (f: { prog: string; func: string }) =>
    `program ${f.prog}: recursive call: function ${f.func} reaches itself`,
  VERIFIER_CALL_DEPTH: (f: { prog: string; frames: number; limit: number }) =>
    `program ${f.prog}: the call stack of ${f.frames} frames is too deep; the limit is ${MAX_CALL_FRAMES}`,
  VERIFIER_TYPE: (f: { prog: string; type: string }) =>
    `program ${f.prog} has type ${f.type}, which this engine cannot run; it runs xdp and socket_filter`,
  VERIFIER_PROG_TYPE: (f: { prog: string; type: string }) =>
    `program ${f.prog} has type ${f.type}: only packet program types can be verified`,
  VERIFIER_RIGHTS: (f: { prog: string; type: string }) =>
    `program ${f.prog} has type ${f.type}: without CAP_BPF only socket_filter and cgroup_skb programs may be loaded (EPERM)`,
  VERIFIER_ATTACH_TYPE: (f: { prog: string; type: string; attach: number }) =>
    `program ${f.prog}: expected attach type ${f.attach} does not go with type ${f.type}`,
  VERIFIER_OPTION: (f: { option: string; found: string; expected: string }) =>
    `option ${f.option} is ${f.found}; expected is ${f.expected}`,
  VERIFIER_INTERNAL: (f: { prog: string }) =>
    `program ${f.prog}: internal error in the verifier: it did not refuse what it had refused; please report it`,
  VERIFIER_REFUSED: (f: RefusedFields) => `${f.text} (program ${f.prog}, insn ${f.pc}${f.where}: ${f.insn})`,
  VERIFIER_MEMORY: (f: { prog: string; limit: number }) =>
    `program ${f.prog} and its maps' contents do not fit into the verifier's memory limit of ${f.limit} bytes`,
};
