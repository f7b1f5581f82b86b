/** What is known of values changes no result: with checks, where less is believed, a program does the same. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { mapSpec } from '../engines.cases.ts';

/** R0 is the address of the map's only value. */
const LOOKUP = `r1 = map[idx:0]
  r2 = r10
  r2 += -4
  *(u32 *)(r10 -4) = 0
  call 1
  if r0 == 0 goto none`;

/** A state is not new at the call, since nobody knows what R6 or the value is: so the verifier goes round but once. */
const AROUND_CALLBACKS = `${LOOKUP}
  r8 = r0
  r6 = *(u8 *)(r8 +0)
  r6 /= 3
  again: r1 = 1
  r2 = subprog[pc+14]
  r3 = 0
  r4 = 0
  call 181
  r6 += 0x1000000
  r1 = *(u64 *)(r8 +0)
  r1 += -1
  *(u64 *)(r8 +0) = r1
  if r1 != 0 goto again
  r6 >>= 32
  r0 = r6
  exit
  none: r0 = 0
  exit
  r0 = 0
  exit`;

/** The load is behind the packet's end, so the second store never happens. */
const ENDS_BETWEEN_STORES = `r6 = r1
  ${LOOKUP}
  r7 = r0
  *(u8 *)(r7 +0) = 1
  r0 = *(u16 *)skb[1000]
  *(u8 *)(r7 +1) = 2
  none: r0 = 0
  exit`;

/** 2^32 + (2^48 - 2^16 >> 17) */
const LARGE_OR = `r2 = *(u32 *)(r1 +0)
  r3 = *(u32 *)(r1 +4)
  r4 = r2
  r4 += 14
  if r4 > r3 goto none
  r5 = *(u8 *)(r2 +0)
  r5 &= 1
  r5 <<= 49
  r4 = *(u32 *)(r2 +4)
  r4 <<= 16
  r5 |= r4
  r5 >>= 17
  r5 >>= 32
  r0 = r5
  exit
  none: r0 = 9
  exit`;

describe.each([true, false])('checked: %s', (checked) => {
  async function run(text: string, type: 'xdp' | 'socket_filter', value: number) {
    using engine = await Engine.create();
    const map = engine.createMap(mapSpec('values', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }));
    map.set(0, new Uint8Array(Uint32Array.of(value, 0).buffer));
    const prog = await engine.loadInsns(text, { type, maps: text.includes('map[') ? [map] : [], checked });
    const { returnValue, violation } = prog.run(new Uint8Array(64).fill(0xff));
    expect(violation).toBeUndefined();
    return { returnValue, left: [...(map.get(0, { raw: true }) ?? [])] };
  }

  test('a loop around callbacks runs as often as it likes', async () => {
    const { returnValue } = await run(AROUND_CALLBACKS, 'xdp', 1000);
    expect(returnValue).toBe(Math.floor((1000 * 0x1000000) / 2 ** 32));
  });

  test('what is stored in front of a load that ends the program stays', async () => {
    expect((await run(ENDS_BETWEEN_STORES, 'socket_filter', 0)).left).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('the upper half of an or of large numbers', async () => {
    expect((await run(LARGE_OR, 'xdp', 0)).returnValue).toBe(1);
  });
});
