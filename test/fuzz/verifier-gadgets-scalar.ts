// Gadgets of scalars: constants, ALU chains, bounds by masks and comparisons, forks, loops.

import { ALU_OPS, type AluOp, JMP_OPS, type JmpOp, type Operand } from './verifier-emit.ts';
import type { Gadget } from './verifier-gadgets.ts';
import type { Aware } from './verifier-gen-aware.ts';
import { type Reg, scalar } from './verifier-model.ts';

const WIDTHS = [32, 64, 64] as const;
export const JUMPS = Object.keys(JMP_OPS) as JmpOp[];
const BINARY = (Object.keys(ALU_OPS) as AluOp[]).filter((op) => !['neg', 'mov', 'end'].includes(op));
const CORNERS = [0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 255, 256, 0x7fff, 0xffff, 0x7fffffff, -0x80000000];

export function anyImm(aware: Aware): number {
  const { random } = aware;
  return random.chance(70) ? random.of(CORNERS) : random.chance(50) ? random.below(128) - 32 : random.u32() | 0;
}

function constant(aware: Aware): void {
  const { random, emit } = aware;
  const dst = aware.fresh();
  if (random.chance(25)) emit.wide(dst, anyImm(aware), random.of([0, 0, -1, 1, 0x7fffffff, -0x80000000]));
  else emit.mov(dst, { imm: anyImm(aware) }, random.of(WIDTHS));
  aware.set(dst, scalar());
}

/** An unknown scalar, of a width that its load tells. */
function unknown(aware: Aware): void {
  const { random, emit } = aware;
  const dst = aware.fresh();
  const ctx = aware.find('ctx');
  if (ctx !== undefined && random.chance(60)) {
    emit.load(dst, ctx, random.of(aware.ctx.words), 4);
    aware.set(dst, scalar(0xffffffff));
    return;
  }
  if (aware.locked.has(0) || aware.pure) return;
  emit.helper(random.of([7, 7, 5, 8]));
  aware.clobber(scalar());
}

function move(aware: Aware): void {
  const { random, emit } = aware;
  const src = aware.find('scalar', 'scalar', 'pkt', 'value', 'fp', 'null', 'end', 'mem') ?? 10;
  const dst = aware.fresh();
  const narrow = aware.get(src).kind === 'scalar' && random.chance(40);
  if (narrow && random.chance(50)) {
    const width = random.of(WIDTHS);
    emit.alu('mov', dst, { reg: src }, width, random.of(width === 64 ? [8, 16, 32] : [8, 16]));
    aware.set(dst, scalar());
    return;
  }
  emit.mov(dst, { reg: src }, narrow ? 32 : 64);
  aware.set(dst, narrow ? scalar(Math.min(0xffffffff, aware.get(src).size)) : aware.get(src));
}

function shift(op: AluOp): boolean {
  return op === 'lsh' || op === 'rsh' || op === 'arsh';
}

function operandFor(aware: Aware, op: AluOp, width: 32 | 64): Operand {
  const { random } = aware;
  if (random.chance(35)) return { reg: aware.scalarReg() };
  if (shift(op)) return { imm: random.below(aware.careless() ? 70 : width) };
  const imm = anyImm(aware);
  return { imm: (op === 'div' || op === 'mod') && imm === 0 && !aware.careless() ? 3 : imm };
}

function alu(aware: Aware): void {
  const { random, emit } = aware;
  const dst = aware.scalarReg();
  if (aware.locked.has(dst)) return;
  for (let i = random.between(1, 3); i > 0; i--) {
    const width = random.of(WIDTHS);
    const kind = random.below(12);
    if (kind === 0) emit.alu('neg', dst, { imm: 0 }, width);
    else if (kind === 1) swap(aware, dst);
    else {
      const op = random.of(BINARY);
      aware.keeping([dst], () => {
        emit.alu(
          op,
          dst,
          operandFor(aware, op, width),
          width,
          (op === 'div' || op === 'mod') && random.chance(30) ? 1 : 0,
        );
      });
    }
  }
  aware.set(dst, scalar());
}

function swap({ emit, random }: Aware, dst: number): void {
  const imm = random.of([16, 32, 64]);
  const op = random.of([0xd4, 0xdc, 0xd7]);
  emit.raw({ op, dst, imm });
}

/** Makes a scalar small. */
export function bound(aware: Aware, reg: number, max: number): void {
  const { random, emit } = aware;
  const width = random.of(WIDTHS);
  switch (random.below(6)) {
    case 0:
    case 1:
      emit.alu('and', reg, { imm: max }, width);
      break;
    case 2:
      emit.alu('mod', reg, { imm: max + 1 }, width);
      break;
    case 3:
      emit.alu('rsh', reg, { imm: 64 - Math.floor(Math.log2(max + 1)) });
      break;
    case 4:
      emit.jmp('gt', reg, { imm: max }, aware.bail, random.chance(80) ? 64 : 32);
      break;
    default: {
      const signed = random.chance(60);
      emit.jmp(signed ? 'sgt' : 'ge', reg, { imm: signed ? max : max + 1 }, aware.bail);
      if (signed && !aware.careless()) emit.jmp('slt', reg, { imm: 0 }, aware.bail);
    }
  }
  aware.set(reg, scalar(max));
}

function narrow(aware: Aware): void {
  const reg = aware.scalarReg();
  if (!aware.locked.has(reg)) bound(aware, reg, aware.random.of([1, 3, 7, 15, 31, 63, 255, 0xffff, 10, 20]));
}

/** A fork on scalars whose sides meet again. */
function fork(aware: Aware): void {
  const { random, emit } = aware;
  const reg = aware.find('scalar') ?? aware.scalarReg();
  const other: Operand = random.chance(30) ? { reg: aware.scalarReg() } : { imm: anyImm(aware) };
  const label = emit.newLabel();
  emit.jmp(random.of(JUMPS), reg, other, label, random.of(WIDTHS));
  aware.branch(label);
  if (random.chance(60)) return;
  aware.body(random.between(1, 2));
  if (random.chance(40)) {
    const end = emit.newLabel();
    emit.goto(end);
    aware.branch(end);
    aware.dead();
    aware.place(label);
    aware.body(random.between(1, 2));
    aware.place(end);
  } else aware.place(label);
}

/** A loop with a counter in a register; mostly bounded. */
function loop(aware: Aware): void {
  const { random, emit } = aware;
  const counter = random.of([6, 7, 8, 9].filter((reg) => !aware.locked.has(reg) && aware.get(reg).kind !== 'ctx'));
  if (counter === undefined) return;
  const times = random.of([1, 2, 3, 4, 8, 20]);
  const down = random.chance(20);
  emit.mov(counter, { imm: down ? times : 0 });
  aware.set(counter, scalar(times));
  const head = emit.newLabel();
  emit.place(head);
  aware.keeping([counter], () => aware.body(random.between(1, 3)));
  const width = random.of(WIDTHS);
  emit.alu('add', counter, { imm: down ? -1 : 1 }, width);
  if (down) emit.jmp(random.of(['ne', 'sgt', 'gt']), counter, { imm: 0 }, head, width);
  else emit.jmp(random.of(['lt', 'ne', 'slt', 'le']), counter, { imm: times }, head, width);
  aware.set(counter, scalar(times + 1));
}

/** `may_goto` bounds a loop that nothing else bounds. */
function mayGoto(aware: Aware): void {
  const { random, emit } = aware;
  const head = emit.newLabel();
  const end = emit.newLabel();
  const before: Reg[] = [...aware.state.regs];
  emit.place(head);
  emit.mayGoto(end);
  aware.branch(end);
  aware.body(random.between(1, 2));
  emit.goto(head);
  aware.dead();
  aware.place(end);
  aware.state.regs = aware.state.regs.map((reg, i) =>
    reg === before[i] ? reg : { ...reg, kind: reg.kind === 'scalar' ? 'scalar' : 'none' },
  );
}

function jumpAway(aware: Aware): void {
  const { random, emit } = aware;
  const reg = aware.scalarReg();
  emit.jmp(random.of(JUMPS), reg, { imm: anyImm(aware) }, aware.bail, random.of(WIDTHS));
}

export const SCALAR_GADGETS: readonly Gadget[] = [
  { weight: 6, run: constant },
  { weight: 8, run: unknown },
  { weight: 10, run: move },
  { weight: 14, run: alu },
  { weight: 8, run: narrow },
  { weight: 8, run: fork, nests: true },
  { weight: 3, run: loop, nests: true },
  { weight: 1, run: mayGoto, nests: true, impure: true },
  { weight: 5, run: jumpAway },
];
