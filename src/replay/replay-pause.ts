/** Lets the event loop turn now and then: timers run, and may change slots between batches. */

/** Longest time, in ms, that a replay keeps the event loop waiting (a batch may take longer). */
const EVERY_MS = 4;

type Later = (run: () => void) => void;

/** Node takes a thousand messages of a channel before it looks at a timer, and a replay posts the next one from within: there it is `setImmediate`. Browsers have none. */
const { setImmediate: immediately } = globalThis as { readonly setImmediate?: Later };

export class Pause {
  private readonly channel = immediately === undefined ? new MessageChannel() : undefined;
  private resume: () => void = () => {};
  private last = performance.now();

  constructor() {
    if (this.channel !== undefined) this.channel.port1.onmessage = () => this.resume();
  }

  /** Whether it is time for `turn`. */
  get due(): boolean {
    return performance.now() - this.last >= EVERY_MS;
  }

  /** Waits until whatever else waits has had its turn. It takes a fraction of what `setTimeout` does. */
  async turn(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (immediately !== undefined) immediately(resolve);
      else this.post(resolve);
    });
    this.last = performance.now();
  }

  private post(resolve: () => void): void {
    this.resume = resolve;
    this.channel?.port2.postMessage(0);
  }

  /** An open channel would keep the process alive. */
  close(): void {
    this.channel?.port1.close();
    this.channel?.port2.close();
  }
}
