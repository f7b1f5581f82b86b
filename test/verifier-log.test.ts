/** The log in the kernel's words: fixed texts, and line by line against the running kernel, statistics included. */
import { afterAll, describe, expect, test } from 'vitest';
import { Verifier } from '../src/verifier/verify.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, loadBtf, loadProg } from './kernel/bpf.ts';
import { KernelError } from './kernel/errno.ts';
import { judgeOptions } from './verifier/answer.ts';
import { type BuiltCase, buildCase } from './verifier/asm.ts';
import { caseFiles, type VerifierCase } from './verifier/case.ts';
import { caseBtf } from './verifier/case-btf.ts';
import { Kernel } from './verifier/kernel.ts';

const verifier = new Verifier();
const prog = (insns: string) => buildCase({ name: 'p', insns, verdict: 'accept' }).prog;

describe('level 1', () => {
  test('the path that is refused, then why, then how much was done', () => {
    const refused = prog(`
      r2 = *(u32 *)(r1 + 4)
      *(u32 *)(r10 - 8) = 7
      r0 = *(u8 *)(r2 + 0)
      exit`);
    expect(verifier.judge(refused, { logLevel: 1 }).log).toBe(
      `0: R1=ctx() R10=fp0
0: (61) r2 = *(u32 *)(r1 +4)          ; R1=ctx() R2=pkt_end()
1: (62) *(u32 *)(r10 -8) = 7          ; R10=fp0 fp-8=????7
2: (71) r0 = *(u8 *)(r2 +0)
R2 invalid mem access 'pkt_end'
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
    );
  });

  test('nothing is left of a program that is accepted but the statistics; level 5 has time and stack depth', () => {
    const accepted = prog('*(u64 *)(r10 - 16) = 0\nr0 = 0\nexit');
    expect(verifier.judge(accepted, { logLevel: 1 }).log).toMatch(/^processed 3 insns \(limit 1000000\) .*\n$/);
    expect(verifier.judge(accepted, { logLevel: 5 }).log).toMatch(
      /^verification time \d+ usec\nstack depth 16\nprocessed 3 insns/,
    );
  });
});

describe('level 2', () => {
  const branches = prog(`
    r0 = *(u32 *)(r1 + 16)
    if r0 > 7 goto +1
    r0 = 1
    r0 = 2
    exit`);

  test('every path', () => {
    const { log } = verifier.judge(branches, { logLevel: 2 });
    expect(log).toContain('func#0 @0\nLive regs before insn:\n      0: .1........ (61) r0 = *(u32 *)(r1 +16)\n');
    expect(log).toContain('\nfrom 1 to 3: R0=scalar(');
    expect(log).toMatch(/\n4: \(95\) exit\nprocessed/);
  });

  test('goes to a sink piece by piece, or keeps its end', () => {
    const loop = prog('r0 = 0\nr0 += 1\nif r0 < 20000 goto -2\nexit');
    let size = 0;
    let pieces = 0;
    const logSink = (text: string): void => {
      size += text.length;
      pieces++;
    };
    expect(verifier.judge(loop, { logLevel: 2, logSink }).log).toBe('');
    expect(size).toBeGreaterThan(1_000_000);
    expect(pieces).toBeGreaterThan(20_000);
    const { log } = verifier.judge(loop, { logLevel: 2, logSize: 1000 });
    expect(log.length).toBe(1000);
    expect(log).toMatch(/: \(95\) exit\nSCC exit \(1\)\nprocessed \d+ insns .*\n$/);
  });

  test('memory does not grow with the log', () => {
    const loop = prog('r0 = 0\nr0 += 1\nif r0 < 20000 goto -2\nexit');
    const quiet = verifier.judge(loop).stats.peakMemory;
    expect(verifier.judge(loop, { logLevel: 2, logSink: () => {} }).stats.peakMemory - quiet).toBeLessThan(1 << 20);
  });
});

/** Cases whose log differs, and why; the verdict does not. */
const DIFFER: ReadonlyMap<string, string> = new Map([
  ['tail call in a callback', 'the kernel calls it a bug of its own; here it is refused for what it would return'],
  ['register below itself', 'on a branch that cannot be taken, the kernel narrows a register to an empty range'],
  ['global, non-null memory is given NULL', 'refused here alone'],
  ['kernel ctx cast', 'without the kernel BTF nothing is known of the struct'],
  ['trap', 'its number is in the message'],
]);

/** Cases that a privileged kernel can be asked about, and whose log fits into its buffer. */
const askable = (one: VerifierCase): boolean =>
  (one.processed ?? 0) < 1000 && one.limit === undefined && one.flags?.includes('unprivileged') !== true;

/** Addresses of maps and ids of kfuncs are the kernel's own; it forgets a line's end behind one message. */
function comparable(log: string): string[] {
  return (
    log
      .replace(/Live regs before insn:\n( .*\n)*/, '')
      .replace(/\(18\) (r\d+) = (?:0xffff[0-9a-f]{12}|map\S*)/g, '(18) $1 = MAP')
      .replace(/(call bpf_\w+)#\d+/g, '$1')
      .replace(/ +;/g, ' ;')
      .replace('for tail call\nprocessed', 'for tail callprocessed')
      .trimEnd()
      .split('\n')
      // What the kernel says of live stack slots.
      .filter((line) => !/^\(\d+(,\d+)*\) (frame|live)/.test(line))
  );
}

describeKernel('the kernel prints the same', () => {
  const kernel = new Kernel();
  afterAll(() => kernel.close());

  /** Undefined for what the kernel does not begin to walk. */
  function kernelLog(one: VerifierCase, built: BuiltCase, logLevel: number): string | undefined {
    const { license, flags } = one;
    const question = {
      ...built,
      ...(license === undefined ? {} : { license }),
      ...(flags === undefined ? {} : { flags }),
    };
    try {
      const { fd, log } = loadProg({ ...kernel.request(question), logLevel });
      closeFd(fd);
      return log;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return error.log.includes('R10=fp0') ? error.log : undefined;
    }
  }

  const files = caseFiles().map(({ file, cases }) => [file, cases] as const);
  const perLevel = [1, 2].flatMap((level) => files.map(([file, cases]) => [level, file, cases] as const));
  test.each(perLevel)('at level %i: %s', (logLevel, _file, cases) => {
    for (const one of cases.filter(askable)) {
      const built = buildCase(one);
      const theirs = kernelLog(one, built, logLevel);
      if (theirs === undefined || DIFFER.has(one.name)) continue;
      const ours = verifier.judge(built.prog, { ...judgeOptions(one.flags), logLevel }).log;
      expect.soft(comparable(ours), one.name).toEqual(comparable(theirs));
    }
  });
});

describeKernel('source lines', () => {
  /** Pc, file, text, line, column. */
  type Line = readonly [number, string, string, number, number];

  function logs(insns: string, lines: readonly Line[], logLevel: number): { ours: string; theirs: string } {
    const { prog: linked } = buildCase({ name: 'p', insns, verdict: 'accept' });
    const texts = lines.flatMap(([, file, text]) => [file, text]);
    const names = linked.funcs.map((func) => func.name);
    const btf = caseBtf(names, {}, {}, 'xdp_md', [...new Set(texts)]);
    const fd = loadBtf(btf.bytes);
    const words = (values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
    const at = (text: string): number => btf.strings.get(text) as number;
    try {
      const funcInfo = words(linked.funcs.flatMap(({ start }, i) => [start, btf.funcs[i]]));
      const lineInfo = words(
        lines.flatMap(([pc, file, text, line, col]) => [pc, at(file), at(text), (line << 10) | col]),
      );
      const theirs = ((): string => {
        try {
          const loaded = loadProg({ type: 'xdp', insns: linked.insns, logLevel, btf: { fd, funcInfo, lineInfo } });
          closeFd(loaded.fd);
          return loaded.log;
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
          return error.log;
        }
      })();
      const records = lines.map(([pc, file, text, line, column]) => ({ pc, file, text, line, column }));
      return { ours: verifier.judge({ ...linked, lines: records }, { logLevel }).log, theirs };
    } finally {
      closeFd(fd);
    }
  }

  const same = (insns: string, lines: readonly Line[], logLevel = 2): void => {
    const { ours, theirs } = logs(insns, lines, logLevel);
    expect(comparable(ours)).toEqual(comparable(theirs));
  };

  test('a line is said once, however many records it has', () => {
    same('r0 = 0\nr0 = 1\nr0 = 2\nr0 = 3\nr0 = 4\nexit', [
      [0, '/src/a.c', 'one', 1, 1],
      [1, '/src/a.c', 'one', 1, 5],
      [2, '/src/a.c', 'two', 1, 7],
      [3, '/src/b.c', ' \t two ', 1, 7],
      [4, '/src/a.c', 'one', 1, 1],
    ]);
  });

  const jumps = `
    r0 = *(u32 *)(r1 + 0)
    if r0 == 0 goto away
    r0 = 1
    r2 = 2
    exit
    away: r3 = 1
    goto -4`;

  test('a jump into the middle of a line says it', () => {
    same(jumps, [
      [0, 'a.c', 'one', 1, 1],
      [2, 'a.c', 'two', 2, 1],
      [5, 'a.c', 'three', 3, 1],
    ]);
  });

  test('a line that was taken back counts as said', () => {
    const refused: Line[] = [
      [0, 'a.c', 'one', 1, 1],
      [2, 'a.c', 'two', 2, 1],
      [5, 'a.c', 'two', 2, 4],
    ];
    same(jumps.replace('goto -4', 'r0 = r5\nexit'), refused, 1);
  });

  test("back from a function, the caller's line is said again", () => {
    same('call f\nr0 = 0\nexit\nf: r0 = 1\nexit', [
      [0, 'a.c', 'one', 1, 1],
      [3, 'a.c', 'f', 2, 1],
    ]);
  });
});
