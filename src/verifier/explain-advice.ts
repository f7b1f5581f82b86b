/** What check is missing, by class of message: the kernel's words say what, these rows say what to do about it. */

import type { LinkedProg } from '../link/types.ts';
import { helperRow, isPacketType } from './tables/helpers.ts';
import { helperRows } from './tables/helpers-rows.ts';

export interface Advice {
  /** What is missing, in a sentence or two. */
  readonly missing: string;
  /** C that adds it. */
  readonly fix?: string;
}

/** What a row may look at. */
export interface Case {
  readonly text: string;
  readonly match: RegExpExecArray;
  readonly prog: LinkedProg;
  /** The expression in the source line, as `eth`. */
  readonly name: string;
  /** It is a member of what `name` points to. */
  readonly isMember: boolean;
  /** `table` and `i`, where it is `table[i]`. */
  readonly index: { readonly array: string; readonly index: string } | undefined;
  /** An insn's source line, or its text. */
  readonly at: (pc: number) => string;
  /** What the function returns when it gives up. */
  readonly giveUp: string;
}

interface Row {
  readonly pattern: RegExp;
  readonly advice: (one: Case) => Advice;
}

function packet({ match, name, isMember, giveUp }: Case): Advice {
  const [, off, size] = match;
  return {
    missing:
      `The program reads or writes ${size === '1' ? 'a byte' : `${size} bytes`} at offset ${off} of a packet pointer, and no comparison with data_end on this path ` +
      'shows that the packet is that long. The comparison must use the same pointer value as the access, and come after anything that changes the packet.',
    fix: `if (${isMember ? `(void *)(${name} + 1)` : `(void *)${name} + ${Number(off) + Number(size)}`} > data_end)\n    ${giveUp}`,
  };
}

function nullCheck({ name, giveUp }: Case): Advice {
  return {
    missing: 'The pointer may be NULL here: a lookup that finds nothing returns NULL, and so do calls that fail.',
    fix: `if (!${name})\n    ${giveUp}`,
  };
}

function bounds({ name, index, giveUp }: Case): Advice {
  const check =
    index === undefined ? `${name} > MAX` : `${index.index} >= sizeof(${index.array}) / sizeof(${index.array}[0])`;
  return {
    missing:
      'The offset is not known to stay inside of the memory. Compare the index with the number of elements right before the access, as an unsigned ' +
      'number, or mask it. The compiler may keep a copy in another register: the comparison must be of the value that is used.',
    fix: `if (${check})\n    ${giveUp}`,
  };
}

function wrongHelper({ match, prog }: Case): Advice {
  const id = Number(match[2]);
  const row = (isPacketType(prog.type) ? helperRow(id, prog.type) : undefined) ?? helperRows()[id];
  const types = row === undefined ? [] : [...row.callers];
  const who =
    types.length > 0 ? `Of packet programs, these may: ${types.join(', ')}.` : 'No packet program may call it.';
  return { missing: `Programs of type ${prog.type} may not call bpf_${match[1]}. ${who}` };
}

const say = (missing: string, fix?: string) => (): Advice => ({ missing, ...(fix === undefined ? {} : { fix }) });

const ROWS: readonly Row[] = [
  { pattern: /invalid access to packet, off=(-?\d+) size=(\d+)/, advice: packet },
  { pattern: /or_null'|possibly NULL|null-check it first|expected to be non-NULL/i, advice: nullCheck },
  { pattern: /type=\w*or_null expected/, advice: nullCheck },
  {
    pattern: /invalid mem access 'scalar'/,
    advice: say(
      'The register holds a number, not a pointer. A pointer that went through a 32-bit variable or arithmetic the verifier does not follow, or that was ' +
        "read from memory as a number, is no pointer any more; keep it in a pointer variable, and read the kernel's memory with bpf_probe_read_kernel.",
    ),
  },
  {
    pattern: /invalid mem access 'pkt_end'/,
    advice: say('data_end may only be compared with: read through data, after comparing it with data_end.'),
  },
  {
    pattern: /R(\d+) !read_ok/,
    advice: ({ match }) => ({
      missing:
        Number(match[1]) === 0
          ? 'R0 has no value: the function ends without a return value, or on this path none was set.'
          : 'The register has no value on this path: a variable is used before it is set, or it was in R1 to R5, which calls do not keep.',
    }),
  },
  {
    pattern: /invalid (indirect )?read from stack|invalid indirect access to stack/,
    advice: say(
      'Bytes of the stack are read that were never written on this path. Structs have padding, which an initialiser leaves alone.',
      '__builtin_memset(&value, 0, sizeof(value));',
    ),
  },
  {
    pattern: /invalid (variable-offset )?(write to|read from|access to|zero-size) ?.*stack|stack.*out of bounds/,
    advice: say(
      "The access lies outside of the function's stack, which is 512 bytes below R10. Bound the index into the array.",
    ),
  },
  {
    pattern: /combined stack size|Too large$|stack depth/i,
    advice: say(
      'The functions that call each other use more than 512 bytes of stack together (256 with tail calls). Move large variables into a per-CPU array map ' +
        'of one element.',
    ),
  },
  {
    pattern:
      /invalid access to map (value|key)|(min|max) value is|unbounded memory access|outside of the allowed memory range/,
    advice: bounds,
  },
  {
    pattern: /unbounded min value|makes .* pointer be out of bounds|invalid access to memory|R\d+ is ptr_.* invalid/,
    advice: bounds,
  },
  { pattern: /program of this type cannot use helper bpf_(\w+)#(\d+)/, advice: wrongHelper },
  {
    pattern: /unexpected __bpf_trap/,
    advice: say(
      'The compiler put a trap here: it took this way for one that is never gone, or for undefined behaviour: a variable that is read before it is set, a ' +
        'function that ends without returning a value.',
    ),
  },
  {
    pattern: /invalid func unknown#|unknown func/,
    advice: say('No helper has this number in Linux 6.18.'),
  },
  {
    pattern: /GPL/,
    advice: say('The helper is for programs under a GPL-compatible licence.', 'char LICENSE[] SEC("license") = "GPL";'),
  },
  {
    pattern: /infinite loop detected|back-edge/,
    advice: say(
      'The loop comes back in a state it was in before, so it may never end. Give it a counter with a constant limit, or use bpf_loop or bpf_for.',
      'for (int i = 0; i < 32; i++) { ... }',
    ),
  },
  {
    pattern: /too large\. Processed|jumps is too complex/,
    advice: say(
      'The program has more paths than the verifier walks. Bound loops more tightly, make loop bodies smaller, move code into global functions (verified ' +
        'once, not for each call) or into bpf_loop callbacks.',
    ),
  },
  {
    pattern: /Unreleased reference id=(\d+) alloc_insn=(\d+)/,
    advice: ({ match, at }) => ({
      missing:
        `What was acquired at ${at(Number(match[2]))} (insn ${match[2]}) is not given back on this path. Every way out of the program must release it ` +
        '(bpf_sk_release, bpf_ringbuf_submit or bpf_ringbuf_discard ...), also the early ones.',
    }),
  },
  {
    pattern: /lock/i,
    advice: say(
      'A lock must be held for what it protects alone, released on every path, and no other function may be called while it is held.',
    ),
  },
  {
    pattern: /invalid bpf_context access|variable ctx access/,
    advice: say(
      'This part of the context may not be accessed so by this type of program: not every field may be read or written, nor in every width.',
    ),
  },
  {
    pattern: /dereference of modified ctx ptr|ctx ptr R\d+ off=/,
    advice: say(
      'The context is accessed at a constant offset from the pointer the program was given. The compiler moved the pointer: read the field into a variable early.',
    ),
  },
  {
    pattern: /At (program|callback|async callback|subprogram) (exit|return) the register R0/,
    advice: say('The return value is not one of those that this type of program may give.'),
  },
  { pattern: /misaligned/, advice: say('The access is not aligned to its size, and strict alignment is asked for.') },
  {
    pattern: /unreachable insn/,
    advice: say('No path comes to this insn. The kernel refuses dead code in what is loaded.'),
  },
  {
    pattern: /tail_calls? (are )?not allowed|tail call/,
    advice: say(
      'A tail call needs a prog array, no lock or reference held, and no more than 256 bytes of stack above it.',
    ),
  },
  {
    pattern: /leaks? addr|pointer comparison prohibited|leak/,
    advice: say(
      'Unprivileged programs may not show the addresses of the kernel: not store, return, compare or compute with them.',
    ),
  },
  {
    pattern: /write into map forbidden|read into map forbidden|cannot write|read.?only|rdonly/i,
    advice: say('The memory may not be written (or read) by programs.'),
  },
  {
    pattern: /type=(\S+) expected=/,
    advice: ({ match }) => ({ missing: `The call wants another kind of argument than ${match[1]}.` }),
  },
  {
    pattern: /pointer arithmetic|pointer .* prohibited|math between/,
    advice: say('Only adding and subtracting bounded numbers is allowed on this kind of pointer, with 64 bits.'),
  },
  {
    pattern: /jump out of range|last insn|ldimm64|reserved fields|unknown opcode|invalid BPF/,
    advice: say('The insns are not well formed; no compiler writes this.'),
  },
  {
    pattern: /invalid mem access|same insn cannot be used with different pointers|stores into|loads from/,
    advice: say(
      'What the register holds may not be accessed so. The type in the message is what the verifier knows it to be at this insn.',
    ),
  },
  {
    pattern: /sleep/,
    advice: say(
      'The call may sleep, and this program or section of it may not: programs that sleep are declared so, outside of locks, RCU, preemption and interrupt sections.',
    ),
  },
  {
    pattern: /dynptr|iter(ator)?\b|irq|preempt|RCU|rcu|-ed region/,
    advice: say(
      'Objects on the stack and critical sections come in pairs: made, used, given back; begun, ended in the reverse order, on every path. What is made in ' +
        'between must stay where it was made, at a constant offset, and is used only while it is there.',
    ),
  },
  {
    pattern: /zero-sized|zero-size|not a known constant|not a const|must be a known constant/,
    advice: say('The size must be a constant, or a number that is known to be at least 1: compare it before the call.'),
  },
  {
    pattern: /kptr|rb(tree)?_|list_|field|has to have BTF|refcount|doesn't point to|uptr/,
    advice: say(
      'Fields of map values with rules of their own (locks, timers, lists, kernel pointers) are used by the calls made for them, at the offset they have in the struct.',
    ),
  },
  {
    pattern: /reference|refcounted|referenced|trusted|acquired|owning|release/i,
    advice: say(
      'The call takes a pointer that a matching call acquired and that has not been given back yet, as it was returned.',
    ),
  },
  {
    pattern: /Caller passes invalid args|arg#|\bargs?#?|is not a scalar|expected pointer|STRUCT/,
    advice: say(
      'The argument is not what the prototype says: compare the types of the call with those of the function in the message.',
    ),
  },
  {
    pattern: /call stack of|recursive|too many subprograms/,
    advice: say('Functions may call each other eight frames deep, and not themselves.'),
  },
  {
    pattern: /map_ptr to access|cannot pass map_type|map type|map_uid|for map\b|\bmap\b/,
    advice: say('The map is of another kind than the call is made for, or not the one its value came from.'),
  },
  {
    pattern: /stack|spill|fill/,
    advice: say(
      'The stack is accessed in a way the verifier cannot follow: at an offset that is not constant, in part of a spilled pointer, or outside of it.',
    ),
  },
  {
    pattern: /pointer|ptr_?\b|access|struct|offset/,
    advice: say(
      'The access is outside of what the pointer points to, or goes through a pointer that may not be changed or read so.',
    ),
  },
  {
    pattern: /kernel function|kfunc|helper|func\b|callback|string|capability/,
    advice: say(
      'The function may not be called here, or not with these arguments; its documentation says by which programs and with what.',
    ),
  },
];

const BY_CLASS: Readonly<Record<string, string>> = {
  safety: 'The kernel cannot show that this is safe.',
  form: 'The program is not well formed.',
  limit: 'The program is larger than the kernel allows.',
  rights: 'Who loads the program lacks a right it needs.',
};

export function adviceFor(one: Omit<Case, 'match'>, kind: string): Advice {
  for (const { pattern, advice } of ROWS) {
    const match = pattern.exec(one.text);
    if (match !== null) return advice({ ...one, match });
  }
  return { missing: BY_CLASS[kind] ?? BY_CLASS.safety };
}
