/** Node's Buffer is a Uint8Array whose `slice` is a window, not a copy: nothing that users pass may be changed or kept by that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prepare } from '../src/compiler.ts';
import { Engine } from '../src/engine.ts';
import { loadObject } from '../src/object/load.ts';
import { packets } from '../src/replay/capture.ts';
import { replay } from '../src/replay/replay.ts';

const root = join(import.meta.dirname, '..');
const objectFile = readFileSync(join(root, 'examples/tail_call.o'));
const capture = readFileSync(join(root, 'examples/traffic.pcap'));

describe('bytes given as a Buffer', () => {
  test('linking changes neither the file nor the next linking', () => {
    const before = Uint8Array.from(objectFile);
    const object = loadObject(objectFile);
    const first = prepare(object).map((c) => c.ops);
    expect(prepare(object).map((c) => c.ops)).toEqual(first);
    expect(Buffer.compare(before, objectFile)).toBe(0);
  });

  test('packets of a capture are copies', async () => {
    const chunk = Buffer.from(capture);
    const kept: Uint8Array[] = [];
    for await (const packet of packets(chunk)) kept.push(packet.data);
    chunk.fill(0xff);
    const again: Uint8Array[] = [];
    for await (const packet of packets(capture)) again.push(packet.data);
    expect(kept.map((data) => Buffer.compare(data, again.shift() as Uint8Array))).toEqual(kept.map(() => 0));
  });

  test('a device without a program hands out a copy', async () => {
    using engine = await Engine.create();
    const packet = Buffer.alloc(64, 1);
    const { packet: passed } = engine.addDevice('eth0').receive(packet);
    packet.fill(2);
    expect(passed).toEqual(new Uint8Array(64).fill(1));
  });

  test('a capture replayed twice in chunks that are used again is read the same both times', async () => {
    using engine = await Engine.create();
    const loaded = await engine.load(loadObject(objectFile));
    async function* chunks() {
      const buffer = Buffer.alloc(1000);
      for (let at = 0; at < capture.length; at += buffer.length) {
        const size = capture.copy(buffer, 0, at, at + buffer.length);
        yield buffer.subarray(0, size);
      }
    }
    const once = await replay(engine, loaded.prog('main_prog'), chunks());
    const twice = await replay(engine, loaded.prog('main_prog'), chunks(), { loop: 2 });
    for (const [name, count] of Object.entries(once.verdicts)) {
      expect(twice.verdicts[name as keyof typeof once.verdicts], name).toBe(2 * count);
    }
  });
});
