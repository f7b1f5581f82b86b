// Locks between threads: a word in memory. The runtime of one thread has none of it.
//
//   0  free
//   1  held
//   2  held, and somebody sleeps (U. Drepper, "Futexes Are Tricky", mutex 2)
//
// Holders do a few loads and stores, so who finds a lock held looks again for a while before it sleeps. The main thread of a browser may not sleep:
// VM_MAY_WAIT says so, and it goes on looking.
import { VM_MAY_WAIT } from '../abi';
import { vm } from './env';
import { THREADS } from './thread';

const FREE: u32 = 0;
const HELD: u32 = 1;
const AWAITED: u32 = 2;
const SPINS: u32 = 200;
const FOREVER: i64 = -1;

/** Whoever else wants `word`, a u32 that begins as 0, waits until `unlock`. Not recursive. */
export function lock(word: u32): void {
  if (THREADS) {
    if (atomic.cmpxchg<u32>(word, FREE, HELD) != FREE) lockSlow(word);
  }
}

export function unlock(word: u32): void {
  if (THREADS) {
    if (atomic.xchg<u32>(word, FREE) == AWAITED) atomic.notify(word, 1);
  }
}

/** Takes `word` if nobody has it. */
export function tryLock(word: u32): bool {
  return atomic.cmpxchg<u32>(word, FREE, HELD) == FREE;
}

function lockSlow(word: u32): void {
  for (let i: u32 = 0; i < SPINS; i++) if (atomic.load<u32>(word) == FREE && tryLock(word)) return;
  const maySleep = load<u32>(vm, VM_MAY_WAIT) != 0;
  while (atomic.xchg<u32>(word, AWAITED) != FREE) {
    if (maySleep) atomic.wait<i32>(word, AWAITED, FOREVER);
    else while (atomic.load<u32>(word) != FREE) {}
  }
}
