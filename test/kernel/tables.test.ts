// Every table against the running kernel: the transcript is the one that is committed in `observed/`.
// `npx vitest run test/kernel -u` accepts what another kernel does; read the difference before committing it.

import { expect, test } from 'vitest';
import { describeKernel } from './available.ts';
import { caseTables } from './cases/index.ts';
import { transcript } from './cases/transcript.ts';
import { observe } from './run.ts';

describeKernel('the kernel does what observed/ says', () => {
  for (const [name, cases] of Object.entries(caseTables)) {
    test(`${name}: ${cases.length} cases`, async () => {
      expect(new Set(cases.map((one) => one.name)).size).toBe(cases.length);
      const text = cases.map((one) => transcript(one, observe(one))).join('');
      await expect(text).toMatchFileSnapshot(`observed/${name}.txt`);
    });
  }
});
