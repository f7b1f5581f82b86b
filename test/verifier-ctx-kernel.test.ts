// Context tables against the running kernel: every offset, width and direction of every type with BPF2WASM_CTX_SWEEP=1, a sample without.

import { expect, test } from 'vitest';
import * as abi from '../src/verifier/abi.ts';
import { BASE_MASK, PTR_MAYBE_NULL } from '../src/verifier/abi.ts';
import { encodeStructs } from '../src/verifier/tables/ctx/encode.ts';
import type { CtxField, CtxStruct } from '../src/verifier/tables/ctx/field.ts';
import { ctxOf, structsOf } from '../src/verifier/tables/ctx/views.ts';
import type { PacketProgType, ProgTypeRow } from '../src/verifier/tables/prog-types.ts';
import { ATTACH_TYPES, PROG_TYPES } from '../src/verifier/tables/prog-types.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap } from './kernel/bpf.ts';
import type { Asked } from './verifier-ctx-probe.ts';
import {
  ask,
  call,
  exit,
  insn,
  load,
  loadSigned,
  movImm,
  movReg,
  stateAfter,
  store,
  storeImm,
} from './verifier-ctx-probe.ts';

const whole = process.env.BPF2WASM_CTX_SWEEP === '1';
/** Every STEP-th access is in the sample: a prime, so that all widths and directions meet all offsets in time. */
const STEP = 13;
const WIDTHS = [1, 2, 4, 8];
const DIRECTIONS = ['load', 'load signed', 'store', 'store imm'] as const;
type Direction = (typeof DIRECTIONS)[number];

/** Is access number `turn` asked for? Without the sweep: aligned words and double words, and a few of the others. */
function isAsked(turn: number, width: number, off: number): boolean {
  return whole || (width >= 4 && off % width === 0) || turn % STEP === 0;
}

/** An access through R1; a load's result is in R0. */
function accessInsn(direction: Direction, width: number, off: number): number[] {
  if (direction === 'load') return load(width, 0, 1, off);
  if (direction === 'load signed') return loadSigned(width, 0, 1, off);
  return direction === 'store' ? store(width, 1, off, 0) : storeImm(width, 1, off, 0);
}

/** The kernel's names of the types that fields have. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [abi.SCALAR]: 'scalar',
  [abi.PTR_TO_PACKET]: 'pkt',
  [abi.PTR_TO_PACKET_META]: 'pkt_meta',
  [abi.PTR_TO_PACKET_END]: 'pkt_end',
  [abi.PTR_TO_FLOW_KEYS]: 'flow_keys',
  [abi.PTR_TO_SOCKET]: 'sock',
  [abi.PTR_TO_SOCK_COMMON]: 'sock_common',
  [abi.PTR_TO_BTF_ID]: 'trusted_ptr_',
};

function typeName(field: CtxField): string {
  const base = TYPE_NAMES[field.type & BASE_MASK] as string;
  return `${base}${field.struct ?? ''}${(field.type & PTR_MAYBE_NULL) === 0 ? '' : '_or_null'}`;
}

/** A struct's table as encoded: what is compared is what the verifier will read. */
class Table {
  readonly struct: CtxStruct;
  private readonly view: DataView;

  constructor(struct: CtxStruct) {
    this.struct = struct;
    const bytes = encodeStructs([struct], { attach: 0, bpfCapable: true, structIndex: () => 0 });
    this.view = new DataView(bytes.buffer);
  }

  field(direction: Direction, width: number, off: number): CtxField | undefined {
    if (off < 0 || off >= this.struct.size) return undefined;
    const cells = this.view.getUint32(0, true) + abi.CTX_TABLE_CELLS;
    const cell = this.view.getUint32(cells + off * abi.CTX_CELL_SIZE, true);
    const write = direction.startsWith('store');
    const widths = write ? cell >> abi.CTX_CELL_WRITE_SHIFT : cell;
    const field = this.struct.fields[cell >>> abi.CTX_CELL_ROW_SHIFT] as CtxField;
    if ((widths & width) === 0) return undefined;
    return direction === 'load signed' && field.type !== abi.SCALAR ? undefined : field;
  }
}

/** How R1 comes to point to the struct. `pc` of the access is that of `before`'s end, in slots. */
interface Way {
  readonly prog: Asked;
  readonly before: readonly number[][];
  /** What the kernel prints when it refuses. */
  readonly refusal: (direction: Direction, off: number, width: number) => string;
}

const slots = (insns: readonly number[][]): number => insns.flat().length / 8;

/** Ask for accesses through R1; differences as text. */
function sweep(struct: CtxStruct, way: Way): { asked: number; wrong: string[] } {
  const table = new Table(struct);
  const wrong: string[] = [];
  const before = [movImm(0, 0), ...way.before];
  let turn = 0;
  let asked = 0;
  for (const direction of DIRECTIONS) {
    for (const width of WIDTHS) {
      if (direction === 'load signed' && width === 8) continue;
      for (let off = -2; off < struct.size + 2; off++) {
        if (!isAsked(turn++, width, off)) continue;
        asked++;
        const insns = [...before, movImm(0, 0), accessInsn(direction, width, off), movImm(0, 1), exit];
        const answer = ask({ ...way.prog, logLevel: 2 }, insns);
        const field = table.field(direction, width, off);
        const name = `${struct.name} ${direction} ${width} at ${off}`;
        if (answer.ok !== (field !== undefined)) wrong.push(`${name}: kernel ${answer.ok ? 'accepts' : 'refuses'}`);
        else if (field === undefined) {
          if (!answer.log.includes(way.refusal(direction, off, width))) wrong.push(`${name}: ${answer.log}`);
        } else if (direction === 'load') {
          const state = stateAfter(answer.log, 'R0', slots(before) + 1);
          if (state.split('(')[0] !== typeName(field)) wrong.push(`${name}: kernel gives ${state}`);
        }
      }
    }
  }
  return { asked, wrong };
}

const ctxRefusal: Way['refusal'] = (_direction, off, width) => `invalid bpf_context access off=${off} size=${width}`;

describeKernel('ctx fields are as in the tables', () => {
  const rows: readonly (ProgTypeRow & { readonly type: PacketProgType })[] = PROG_TYPES;
  for (const row of rows) {
    test(row.type, () => {
      const names = row.attach ?? (row.type === 'xdp' ? (['xdp', 'xdp_devmap', 'xdp_cpumap'] as const) : [undefined]);
      let asked = 0;
      for (const name of names) {
        const attach = name === undefined ? 0 : ATTACH_TYPES[name];
        const prog = { type: row.number, expectedAttachType: attach };
        const struct = ctxOf(row.type, { attach, bpfCapable: true });
        const found = sweep(struct, { prog, before: [], refusal: ctxRefusal });
        expect(found.wrong, name).toEqual([]);
        asked += found.asked;
      }
      expect(asked).toBeGreaterThan(10);
    });
  }
});

const returnIfNull = (reg: number): number[][] => [insn(0x55, reg, 2), movImm(0, 0), exit];
const BPF_FUNC_sk_fullsock = 95;
const BPF_FUNC_tcp_sock = 96;
const BPF_MAP_TYPE_XSKMAP = 17;
const skOfSkb = [load(8, 1, 1, 168), ...returnIfNull(1)];

const sockRefusal =
  (name: string): Way['refusal'] =>
  (direction, off, width) =>
    direction.startsWith('store')
      ? `R1 cannot write into ${name}`
      : `R1 invalid ${name} access off=${off} size=${width}`;

/** bytes_received and bytes_acked: Linux 6.18 takes a word at their upper half to be a field, and then fails to rewrite the load. */
const tcpSockRefusal: Way['refusal'] = (direction, off, width) =>
  direction.startsWith('load') && width === 4 && (off === 84 || off === 92)
    ? 'error during ctx access conversion'
    : sockRefusal('tcp_sock')(direction, off, width);

const sched_cls = { type: 3 };
const ways: Readonly<Record<number, (xskmap: number) => Way>> = {
  [abi.CTX_TABLE_FLOW_KEYS]: () => ({
    prog: { type: 22 },
    before: [load(8, 1, 1, 144)],
    refusal: (_direction, off, width) => `invalid access to flow keys off=${off} size=${width}`,
  }),
  [abi.CTX_TABLE_SOCKET]: () => ({
    prog: sched_cls,
    before: [...skOfSkb, call(BPF_FUNC_sk_fullsock), ...returnIfNull(0), movReg(1, 0)],
    refusal: sockRefusal('sock'),
  }),
  [abi.CTX_TABLE_SOCK_COMMON]: () => ({ prog: sched_cls, before: skOfSkb, refusal: sockRefusal('sock_common') }),
  [abi.CTX_TABLE_TCP_SOCK]: () => ({
    prog: sched_cls,
    before: [...skOfSkb, call(BPF_FUNC_tcp_sock), ...returnIfNull(0), movReg(1, 0)],
    refusal: tcpSockRefusal,
  }),
  [abi.CTX_TABLE_XDP_SOCK]: (xskmap) => ({
    prog: { type: 6 },
    before: [
      storeImm(4, 10, -4, 0),
      insn(0x18, 1 | 0x10, 0, xskmap),
      insn(0, 0),
      movReg(2, 10),
      insn(0x07, 2, 0, -4),
      call(1),
      ...returnIfNull(0),
      movReg(1, 0),
    ],
    refusal: sockRefusal('xdp_sock'),
  }),
};

describeKernel('structs behind pointers are as in the tables', () => {
  const structs = structsOf('sched_cls', { attach: 0, bpfCapable: true });
  for (const [index, struct] of structs.entries()) {
    const way = ways[index];
    if (way === undefined) continue;
    test(`${struct.name}, table ${index}`, () => {
      const xskmap = createMap({ type: BPF_MAP_TYPE_XSKMAP, keySize: 4, valueSize: 4, maxEntries: 1 });
      try {
        const found = sweep(struct, way(xskmap));
        expect(found.wrong).toEqual([]);
        expect(found.asked).toBeGreaterThan(5);
      } finally {
        closeFd(xskmap);
      }
    });
  }
});
