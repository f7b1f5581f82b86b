/** The code of a thread: bundled into entry.gen.ts by scripts/embed-worker.mjs. */
import { COMMAND_FAIL, Control } from './control.ts';
import { Instance } from './instance.ts';
import { openPort } from './port.ts';
import type { Go, RunParams, ThreadSetup, ToThread } from './protocol.ts';
import { SortedRun } from './sorted-run.ts';
import type { ThreadHost, ThreadRun } from './thread-run.ts';
import { WholeRun } from './whole-run.ts';

const port = openPort();
/** Made by the first message. */
const thread: { main?: ThreadMain } = {};

class ThreadMain {
  readonly control: Control;
  private readonly setup: ThreadSetup;
  private readonly instance: Instance;
  private current: ThreadRun | undefined;

  constructor(setup: ThreadSetup) {
    const { memory, geometry } = setup;
    this.setup = setup;
    this.instance = new Instance(setup);
    this.control = new Control(memory.buffer, geometry);
  }

  receive(message: Exclude<ToThread, ThreadSetup>): void {
    if (message.kind === 'sync') this.instance.sync(message);
    else if (message.kind === 'go') this.go(message);
    else this.end();
  }

  private go({ run, begins, params }: Go): void {
    if (begins) this.end();
    this.current ??= this.open(params);
    const { current } = this;
    const done = current.run(params);
    const { violations, verdicts } = current;
    if (done) this.end();
    this.control.setStopped(this.setup.index, { run, done, violations: violations.count, verdicts });
    port.post({ kind: 'stopped', run, violations });
  }

  private open(params: RunParams): ThreadRun {
    const { file, spread } = params;
    const { instance, control } = this;
    const post: ThreadHost['post'] = (message, transfer) => port.post(message, transfer);
    const host = { instance, control, post };
    if (spread === 'piece' && file !== undefined) return new WholeRun(host, file, params);
    return new SortedRun(host, this.setup.geometry, params);
  }

  private end(): void {
    this.current?.close();
    this.current = undefined;
  }
}

port.onMessage((message) => {
  try {
    if (message.kind === 'setup') {
      thread.main = new ThreadMain(message);
      port.post({ kind: 'ready' });
    } else thread.main?.receive(message);
  } catch (error) {
    // The others stop, whatever they wait for.
    if (thread.main !== undefined) {
      thread.main.control.command = COMMAND_FAIL;
      thread.main.control.signal();
    }
    port.post({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  }
});
