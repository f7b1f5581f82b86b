/** What the command says of text that is no JSON. */
import { expect, test } from 'vitest';
import { jsonReason } from '../src/cli/args.ts';
import { parseNetConfig } from '../src/cli/net-config.ts';

test('a reason is one line, whatever the host quotes', () => {
  expect(jsonReason(new SyntaxError('bad "{\n  "a": x\r\n}"'))).toBe('bad "{ "a": x }"');
  expect(jsonReason('no error')).toBe('no error');
});

test('a configuration that is no JSON is refused in one line', () => {
  expect(() => parseNetConfig('net.json', '{\n"a": x\n}')).toThrow(/^net\.json is no JSON: [^\n]*$/);
});
