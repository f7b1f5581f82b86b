/** docs/helpers.md and what stands behind it: what is implemented is tested, what is not has a reason. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findUses } from '../scripts/helper-uses.ts';
import { complaints, helpersPage } from '../scripts/make-helpers.ts';

const uses = findUses();

/** What no compiled object calls that a test loads; to be emptied. */
const UNTESTED: readonly string[] = [];

test('every helper, kfunc and map type has a test that uses it, or a reason why it is not here, but those that are known', () => {
  expect(complaints(uses)).toEqual(UNTESTED);
});

test('docs/helpers.md is up to date', () => {
  expect(readFileSync('docs/helpers.md', 'utf8')).toBe(helpersPage(uses));
});
