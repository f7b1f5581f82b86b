/**
 * trace_printk lines as `trace_pipe` prints them, and the queue behind `engine.trace`. Tracing is off, and costs nothing, until someone
 * asks for it. The queue holds MAX_LINES; what does not fit is counted and reported in trace_pipe's words.
 */
import {
  TRACE_BUFFER_SIZE,
  TRACE_CPU,
  TRACE_LENGTH,
  TRACE_SIZE,
  TRACE_TEXT,
  TRACE_TIME,
  VM_TRACE_BASE,
  VM_TRACE_ON,
  VM_TRACE_SIZE,
  VM_TRACE_USED,
} from '../../assembly/abi.ts';
import type { Memory } from './memory.ts';

const MAX_LINES = 65536;

/**
 * One line in the form of `/sys/kernel/tracing/trace_pipe`: task, pid, CPU, flags, seconds since boot, event, text. Packets are handled in softirq
 * context by no task, which Linux shows as `<idle>-0` and `..s2.`.
 * @param timeNs what bpf_ktime_get_ns gave
 */
export function formatTraceLine(text: string, cpu: number, timeNs: bigint): string {
  const micros = (timeNs + 500n) / 1000n;
  const seconds = `${micros / 1_000_000n}`.padStart(5);
  const fraction = `${micros % 1_000_000n}`.padStart(6, '0');
  const line = text.endsWith('\n') ? text.slice(0, -1) : text;
  return `          <idle>-0       [${`${cpu}`.padStart(3, '0')}] ..s2. ${seconds}.${fraction}: bpf_trace_printk: ${line}`;
}

/** Lines waiting for a reader, and readers waiting for lines. */
export class TraceQueue implements AsyncIterable<string> {
  private lines: string[] = [];
  private lost = 0;
  private waiting: ((line: IteratorResult<string>) => void)[] = [];
  private closed = false;

  push(line: string): void {
    const reader = this.waiting.shift();
    if (reader !== undefined) reader({ value: line, done: false });
    else if (this.lines.length < MAX_LINES) this.lines.push(line);
    else this.lost++;
  }

  /** Takes every line that is waiting. */
  drain(): string[] {
    const { lines, lost } = this;
    this.lines = [];
    this.lost = 0;
    if (lost > 0) lines.push(`CPU:0 [LOST ${lost} EVENTS]`);
    return lines;
  }

  close(): void {
    this.closed = true;
    for (const reader of this.waiting.splice(0)) reader({ value: undefined, done: true });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    for (;;) {
      for (const line of this.drain()) yield line;
      if (this.lines.length > 0) continue;
      if (this.closed) return;
      const next = await new Promise<IteratorResult<string>>((resolve) => this.waiting.push(resolve));
      if (next.done === true) return;
      yield next.value;
    }
  }
}

/** The trace buffer in memory: switched on with the first listener, emptied after every batch and when it is full. */
export class TraceBuffer {
  readonly queue = new TraceQueue();
  private readonly memory: Memory;
  private readonly vm: number;

  constructor(memory: Memory, vm: number) {
    this.memory = memory;
    this.vm = vm;
  }

  get enabled(): boolean {
    return this.memory.view.getUint32(this.vm + VM_TRACE_ON, true) !== 0;
  }

  /** @param alloc gives memory for the buffer, which stays until the engine goes */
  enable(alloc: (size: number) => number): void {
    if (this.enabled) return;
    const base = alloc(TRACE_BUFFER_SIZE);
    const { view } = this.memory;
    view.setUint32(this.vm + VM_TRACE_BASE, base, true);
    view.setUint32(this.vm + VM_TRACE_SIZE, TRACE_BUFFER_SIZE, true);
    view.setUint32(this.vm + VM_TRACE_USED, 0, true);
    view.setUint32(this.vm + VM_TRACE_ON, 1, true);
  }

  /** Moves the records to the queue. */
  flush(): void {
    const { view, u8 } = this.memory;
    const used = view.getUint32(this.vm + VM_TRACE_USED, true);
    if (used === 0) return;
    const base = view.getUint32(this.vm + VM_TRACE_BASE, true);
    const decoder = new TextDecoder();
    for (let at = base; at < base + used; at += view.getUint32(at + TRACE_SIZE, true)) {
      const length = view.getUint32(at + TRACE_LENGTH, true);
      // A copy: decoders take no memory that threads share.
      const text = decoder.decode(u8.slice(at + TRACE_TEXT, at + TRACE_TEXT + length));
      const cpu = view.getUint32(at + TRACE_CPU, true);
      this.queue.push(formatTraceLine(text, cpu, view.getBigUint64(at + TRACE_TIME, true)));
    }
    view.setUint32(this.vm + VM_TRACE_USED, 0, true);
  }
}
