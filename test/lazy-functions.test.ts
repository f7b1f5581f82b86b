/** What the bundler's plugin makes of arrow functions at a module's top level, and that nothing else changes. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// A script of the build, which is no TypeScript.
const SCRIPT = '../scripts/lazy-functions.mjs';
const { withoutTopArrows }: { withoutTopArrows: (code: string) => string } = await import(SCRIPT);

test.each([
  ['const a = (f: F) => f.x;', 'const a = function (f: F) { return f.x };'],
  ['const a = () => ({ b: [1] });', 'const a = function () { return ({ b: [1] }) };'],
  [
    'const a = lazy(() => ((1)), (x) => x);',
    'const a = lazy(function () { return ((1)) }, function (x) { return x });',
  ],
  ['const a = <T>(x: T): T => { return x; };', 'const a = function <T>(x: T): T  { return x; };'],
  ['const a = (x: (y: A) => B) => x(1);', 'const a = function (x: (y: A) => B) { return x(1) };'],
  ['const a = (x = () => 1) => x();', 'const a = function (x = () => 1) { return x() };'],
  ['const a = {\n  b: (x: A) =>\n    x.y,\n};', 'const a = {\n  b: function (x: A) {\n    return x.y },\n};'],
  ['const a = (x: A) => (y: B) => x + y;', 'const a = function (x: A) { return (y: B) => x + y };'],
])('%s', (from, to) => expect(withoutTopArrows(from)).toBe(to));

test.each([
  'class A { f = () => this.x; static g = () => this; m() { return () => this; } }',
  'function f() { return () => 1; }',
  'const a = async () => 1;',
  'const a = () => /* why */ 1;',
])('%s stays what it is', (code) => expect(withoutTopArrows(code)).toBe(code));

test('lines of the sources stay where they are', () => {
  const names = readdirSync('src', { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.gen.ts')).map((name) => `src/${name}`);
  expect(files.length).toBeGreaterThan(200);
  let changed = 0;
  for (const file of files) {
    const code = readFileSync(file, 'utf8');
    const made = withoutTopArrows(code);
    expect(made.split('\n').length, file).toBe(code.split('\n').length);
    if (made !== code) changed++;
  }
  expect(changed).toBeGreaterThan(30);
});
