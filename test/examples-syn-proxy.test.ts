/** The SYN proxy here and in the kernel: clients that read the answers, so that each side's cookies come back to it. */
import { expect, test } from 'vitest';
import type { Outcome } from '../examples/example.ts';
import { expectPlayed, play, script } from '../examples/syn_proxy/model.ts';
import { hex, openBoth, VERDICTS } from './example-sides.ts';
import { describeKernel } from './kernel/available.ts';
import { pinned, testRun } from './kernel/bpf.ts';

const textOf = ({ verdict, data }: Outcome): string => `${verdict} ${hex(data)}`;

describeKernel('syn_proxy', () => {
  test('syn_proxy: the same clients, with the cookies of each side', async () => {
    const sides = await openBoth('syn_proxy', {});
    try {
      const steps = script().filter(({ late }) => late !== true);
      const fd = sides.kernel.progs.get('syn_proxy') as number;
      const prog = sides.loaded[0].prog('syn_proxy');
      const theirs = pinned(() =>
        play(steps, ({ data }) => {
          const out = testRun(fd, { data });
          return { verdict: VERDICTS[out.retval], data: out.data };
        }),
      );
      const ours = play(steps, ({ data }) => {
        const { verdict, packet } = prog.run(data, { timeNs: 1n });
        return { verdict: verdict as Outcome['verdict'], data: packet };
      });
      for (const played of [theirs, ours])
        expect(played.outcomes.map(textOf)).toEqual(expectPlayed(steps, played).outcomes.map(textOf));
      expect(ours.outcomes.map(({ verdict }) => verdict)).toEqual(theirs.outcomes.map(({ verdict }) => verdict));
      sides.compareMaps();
    } finally {
      sides.close();
    }
  });
});
