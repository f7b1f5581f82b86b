/** One line on a terminal, once a replay takes long. */
import { statSync } from 'node:fs';
import type { ReplayProgress } from '../replay/replay.ts';
import { scaled } from './output.ts';

const FIRST_MS = 500;
const EVERY_MS = 100;

export class ProgressLine {
  /** Bytes of a capture in a file; 0 for a pipe. */
  private readonly size: number;
  private readonly loop: number;
  private readonly started = performance.now();
  private last = performance.now() + FIRST_MS - EVERY_MS;
  private shown = false;

  constructor(capture: string, loop: number) {
    this.size = capture === '-' ? 0 : (statSync(capture, { throwIfNoEntry: false })?.size ?? 0);
    this.loop = loop;
  }

  show({ packets, offset, round }: ReplayProgress): void {
    const now = performance.now();
    if (process.stderr.isTTY !== true || now - this.last < EVERY_MS) return;
    this.last = now;
    this.shown = true;
    const rate = scaled((packets * 1000) / (now - this.started), 'packets/s');
    const share = Math.min(1, (round + offset / this.size) / this.loop);
    const done = this.size > 0 ? `${(100 * share).toFixed(0).padStart(3)} %  ` : '';
    process.stderr.write(`\r\x1b[K${done}${scaled(packets, 'packets')}  ${rate}`);
  }

  clear(): void {
    if (this.shown) process.stderr.write('\r\x1b[K');
  }
}
