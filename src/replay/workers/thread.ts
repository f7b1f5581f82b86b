/**
 * Threads, wherever this runs: the web's workers, or worker_threads of Node, which is asked for them without an import. Their code is a string of this package
 * (entry.gen.ts), so that no bundler and no server has to know of a file.
 */
import { RunError } from '../../errors/index.ts';
import type { FromThread, ToThread } from './protocol.ts';

export interface Thread {
  post(message: ToThread): void;
  /** While it is held the process waits for it. */
  hold(held: boolean): void;
  terminate(): void;
}

export interface ThreadEvents {
  message(message: FromThread): void;
  /** It is gone, or threw what its code did not catch. */
  failed(reason: string): void;
}

interface NodeWorker {
  on(event: string, listener: (value: never) => void): void;
  postMessage(message: unknown): void;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

interface WorkerThreads {
  readonly Worker: new (code: string, options: { eval: true }) => NodeWorker;
}

interface NodeProcess {
  getBuiltinModule?(name: string): unknown;
}

/** @throws RunError RUN_WORKERS where there are no threads */
export function startThread(code: string, events: ThreadEvents): Thread {
  if (typeof Worker === 'function') return webThread(code, events);
  const { process } = globalThis as { process?: NodeProcess };
  const node = process?.getBuiltinModule?.('worker_threads') as WorkerThreads | undefined;
  if (node === undefined) throw new RunError('RUN_WORKERS', { reason: 'there are no threads here' });
  return nodeThread(new node.Worker(code, { eval: true }), events);
}

function nodeThread(worker: NodeWorker, events: ThreadEvents): Thread {
  worker.on('message', (message: FromThread) => events.message(message));
  worker.on('error', (error: Error) => events.failed(error.message));
  worker.on('exit', (code: number) => events.failed(`it ended with code ${code}`));
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    hold: (held) => (held ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
}

function webThread(code: string, events: ThreadEvents): Thread {
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  worker.onmessage = ({ data }) => {
    URL.revokeObjectURL(url);
    events.message(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    events.failed(event.message);
  };
  worker.onmessageerror = () => events.failed('a message could not be read');
  return { post: (message) => worker.postMessage(message), hold: () => {}, terminate: () => worker.terminate() };
}
