// The names of rules (src/verifier/rules.gen.ts) are those of the verifier's messages.
import { expect, test } from 'vitest';
import * as access from '../assembly/verifier/messages/access.ts';
import * as alu from '../assembly/verifier/messages/alu.ts';
import * as call from '../assembly/verifier/messages/call.ts';
import * as core from '../assembly/verifier/messages/core.ts';
import { messageRows } from '../src/verifier/messages.ts';
import { RULES } from '../src/verifier/rules.gen.ts';
import { ruleName } from '../src/verifier/rules.ts';

test('every message has its name, and there are no others', () => {
  const codes = [core, access, alu, call].flatMap((file) => Object.entries(file));
  expect(codes.length).toBeGreaterThan(300);
  for (const [name, code] of codes) expect(`MSG_${ruleName(code)}`).toBe(name);
  expect(RULES.split(' ')).toHaveLength(codes.length);
  for (const code of Object.keys(messageRows())) expect(ruleName(Number(code))).not.toMatch(/^RULE_/);
  expect(ruleName(99_999)).toBe('RULE_99999');
});
