/** The code of a thread: bundled into entry.gen.ts by scripts/embed-worker.mjs. */
import { COMMAND_FAIL, Control } from './control.ts';
import { Instance } from './instance.ts';
import { Pipeline } from './pipeline.ts';
import { openPort } from './port.ts';
import type { Go, ThreadSetup, ToThread } from './protocol.ts';

const port = openPort();
/** Made by the first message. */
const thread: { main?: ThreadMain } = {};

class ThreadMain {
  readonly control: Control;
  private readonly setup: ThreadSetup;
  private readonly instance: Instance;
  private pipeline: Pipeline | undefined;

  constructor(setup: ThreadSetup) {
    const { memory, geometry } = setup;
    this.setup = setup;
    this.instance = new Instance(setup);
    this.control = new Control(memory.buffer, geometry.control, geometry.threads, geometry.places);
  }

  receive(message: Exclude<ToThread, ThreadSetup>): void {
    if (message.kind === 'sync') this.instance.sync(message);
    else if (message.kind === 'go') this.go(message);
    else this.end();
  }

  private go({ begins, params }: Go): void {
    if (begins) this.end();
    this.pipeline ??= new Pipeline(this.instance, this.control, this.setup.geometry, port, params);
    const { pipeline } = this;
    const done = pipeline.run(params);
    const { violations, verdicts } = pipeline;
    if (done) this.end();
    port.post({ kind: 'stopped', done, violations, verdicts });
  }

  private end(): void {
    this.pipeline?.close();
    this.pipeline = undefined;
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
