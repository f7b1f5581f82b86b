// Reads a whole capture in tests, and feeds one in chunks.

import type { CaptureInput } from '../../../src/replay/capture.ts';
import { type CapturePacket, packets } from '../../../src/replay/capture.ts';

export interface ReadResult {
  packets: CapturePacket[];
  error: unknown;
}

/** Every packet that came before the error, and the error. */
export async function readAll(input: CaptureInput): Promise<ReadResult> {
  const result: ReadResult = { packets: [], error: undefined };
  try {
    for await (const packet of packets(input)) result.packets.push(packet);
  } catch (error) {
    result.error = error;
  }
  return result;
}

/** The bytes in chunks of these sizes, in turn. As a hostile file reader does, it clears a chunk once the next is asked for. */
export async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const chunk = bytes.slice(at, at + sizes[i % sizes.length]);
    at += chunk.length;
    yield chunk;
    chunk.fill(0xee);
  }
}
