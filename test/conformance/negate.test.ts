/** Conditions whose fall-through, not whose target, is a branch in the structured form: the JIT writes the opposite comparison. */
import { expect, test } from 'vitest';
import { compile } from '../../src/jit/compile.ts';
import { checkStructure } from '../../src/verifier/structural.ts';
import { Bench, linkedProg, newEngine, variants } from '../engines.cases.ts';
import { asm, type JmpOp, ja, jmp, jmp32r, jmpOps, jmpr, label, mov } from '../kernel/cases/asm.ts';
import { isaPacket, RESULT_DST } from '../kernel/cases/isa/index.ts';
import { DST, operands, SRC, wrap } from '../kernel/cases/isa/operands.ts';
import { condition, type Width } from './semantics.ts';

const ops = Object.keys(jmpOps) as JmpOp[];

/** Two ways lead to `no`, one to `yes`. */
const insns = (op: JmpOp, width: Width): Uint8Array =>
  wrap([
    jmp('jeq', 0, 77, 'no'),
    (width === 64 ? jmpr : jmp32r)(op, DST, SRC, 'yes'),
    label('no'),
    mov(DST, 0),
    ja('done'),
    label('yes'),
    mov(DST, 1),
    label('done'),
  ]);

const rows = ops.flatMap((op) => ([64, 32] as const).map((width) => ({ op, width })));

test.each(variants.slice(0, 2))('the opposite of each condition: $name', async ({ options }) => {
  const engine = await newEngine();
  const bench = new Bench(engine, []);
  const progs = rows.map(({ op, width }) => ({ name: `${op}${width}`, insns: insns(op, width) }));
  const loaded = await bench.load(progs, options);
  const wrong: string[] = [];
  for (const { op, width } of rows) {
    const prog = loaded.prog(`${op}${width}`);
    for (const dst of operands) {
      for (const src of operands) {
        const { packet } = prog.run(isaPacket({ dst, src }));
        const wanted = condition(jmpOps[op], width, dst, src);
        if ((packet[RESULT_DST] === 1) !== wanted) wrong.push(`${op}${width} ${dst} ${src}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  engine.close();
});

test('the same program gives the same bytes', () => {
  const prog = linkedProg({
    name: 'p',
    insns: asm([mov(0, 1), jmp('jeq', 0, 1, 0), { op: 0x95, dst: 0, src: 0, off: 0, imm: 0 }]),
  });
  expect(compile([checkStructure(prog)])).toEqual(compile([checkStructure(prog)]));
});
