/** A thread's own side of `startThread`: its messages, and files where there are some. */
import type { FromThread, ToThread } from './protocol.ts';

export interface Port {
  post(message: FromThread, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: ToThread) => void): void;
}

/** What of Node's fs a thread uses. */
export interface Files {
  openSync(path: string, flags: string): number;
  closeSync(file: number): void;
  readSync(file: number, into: Uint8Array, offset: number, length: number, position: number): number;
}

interface ParentPort {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: ToThread) => void): void;
}

interface Scope {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly postMessage?: (message: unknown, transfer?: readonly ArrayBuffer[]) => void;
  onmessage?: (event: { data: ToThread }) => void;
}

const scope = globalThis as unknown as Scope;

const builtin = (name: string): unknown => scope.process?.getBuiltinModule?.(name);

export function openPort(): Port {
  if (typeof scope.postMessage === 'function') {
    const { postMessage } = scope;
    return {
      post: (message, transfer) => postMessage.call(scope, message, transfer ?? []),
      onMessage: (listener) => {
        scope.onmessage = ({ data }) => listener(data);
      },
    };
  }
  const { parentPort } = builtin('worker_threads') as { readonly parentPort: ParentPort };
  return {
    post: (message, transfer) => parentPort.postMessage(message, transfer),
    onMessage: (listener) => parentPort.on('message', listener),
  };
}

export function files(): Files {
  return builtin('fs') as Files;
}
