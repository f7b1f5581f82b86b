// Timers and queued work of map values (struct bpf_timer, struct bpf_wq): what the field's first word points to, and in which order it is done.
// Time is the engine's: nothing fires by itself; src/runtime/async.ts asks between packets.
//
// Armed timers are a binary heap by due time, then by the order in which they were started; work is a queue.
import { CTX_SIZE, CTX_TIME, VM_ASYNC, VM_BATCH_END, VM_BATCH_SCANNED, VM_CTX, VM_TIME } from '../abi';
import { vm } from './env';
import { alloc, free } from './mem';

@unmanaged
export class Timer {
  map: u32;
  /** The element's value. */
  value: u32;
  /** The callback's slot in the shared table; 0 while there is none. */
  slot: u32;
  /** Place in the heap from 1 on, or 1 for queued work; 0: nothing is to be done. */
  place: u32;
  due: i64;
  /** Order of starts. */
  order: u64;
  /** All of them: a doubly linked list, searched when a program is to go. */
  next: u32;
  prev: u32;
  /** Next in the queue of work. */
  nextWork: u32;
  isWork: u32;
}

const FIRST_HEAP: u32 = 64;

let first: u32 = 0;
let heap: u32 = 0;
let heapRoom: u32 = 0;
let armed: u32 = 0;
let starts: u64 = 0;
let workHead: u32 = 0;
let workTail: u32 = 0;
let workCount: u32 = 0;
/** The one whose callback runs. */
let running: u32 = 0;

function at(place: u32): u32 {
  return load<u32>(heap + ((place - 1) << 2));
}

function put(place: u32, timer: u32): void {
  store<u32>(heap + ((place - 1) << 2), timer);
  changetype<Timer>(timer).place = place;
}

function isBefore(a: u32, b: u32): bool {
  const x = changetype<Timer>(a);
  const y = changetype<Timer>(b);
  return x.due != y.due ? x.due < y.due : x.order < y.order;
}

function siftUp(place: u32, timer: u32): void {
  while (place > 1 && isBefore(timer, at(place >> 1))) {
    put(place, at(place >> 1));
    place >>= 1;
  }
  put(place, timer);
}

function siftDown(place: u32, timer: u32): void {
  for (;;) {
    let child = place << 1;
    if (child > armed) break;
    if (child < armed && isBefore(at(child + 1), at(child))) child++;
    if (!isBefore(at(child), timer)) break;
    put(place, at(child));
    place = child;
  }
  put(place, timer);
}

/** How much there is to do: zero lets batches run without a question. */
function tell(): void {
  store<u32>(vm, armed + workCount, VM_ASYNC);
}

/** A new one for `value` of `map`, or 0. */
export function newTimer(map: u32, value: u32, isWork: bool): u32 {
  const address = alloc(offsetof<Timer>());
  if (!address) return 0;
  const timer = changetype<Timer>(address);
  timer.map = map;
  timer.value = value;
  timer.isWork = isWork ? 1 : 0;
  timer.next = first;
  if (first) changetype<Timer>(first).prev = address;
  first = address;
  return address;
}

/** Ends the wait; false when there was none. */
export function disarm(address: u32): bool {
  const timer = changetype<Timer>(address);
  const place = timer.place;
  if (!place) return false;
  timer.place = 0;
  if (timer.isWork) unqueue(address);
  else {
    const last = at(armed--);
    if (last != address) {
      siftDown(place, last);
      siftUp(changetype<Timer>(last).place, last);
    }
  }
  tell();
  return true;
}

function unqueue(address: u32): void {
  let prev: u32 = 0;
  for (let work = workHead; work != address; work = changetype<Timer>(work).nextWork) prev = work;
  const next = changetype<Timer>(address).nextWork;
  if (prev) changetype<Timer>(prev).nextWork = next;
  else workHead = next;
  if (workTail == address) workTail = prev;
  workCount--;
}

/** The field at `field` goes with its element: whatever it was to do is not done. */
export function freeTimer(field: u32): void {
  const address = load<u32>(field);
  if (!address) return;
  const timer = changetype<Timer>(address);
  disarm(address);
  if (timer.next) changetype<Timer>(timer.next).prev = timer.prev;
  if (timer.prev) changetype<Timer>(timer.prev).next = timer.next;
  else first = timer.next;
  if (running == address) running = 0;
  free(address);
}

/** Room in the heap for one more. */
function grow(): bool {
  if (armed < heapRoom) return true;
  const room = heapRoom ? heapRoom * 2 : FIRST_HEAP;
  const larger = alloc(room << 2);
  if (!larger) return false;
  memory.copy(larger, heap, armed << 2);
  if (heap) free(heap);
  heap = larger;
  heapRoom = room;
  return true;
}

/** Will fire at `due`; false when there is no memory. */
export function arm(address: u32, due: i64): bool {
  const timer = changetype<Timer>(address);
  disarm(address);
  if (!grow()) return false;
  timer.due = due;
  timer.order = ++starts;
  siftUp(++armed, address);
  tell();
  stopBatch(due);
  return true;
}

/** Will be done before anything else is; once, however often it is asked for. */
export function enqueue(address: u32): void {
  const timer = changetype<Timer>(address);
  if (timer.place) return;
  timer.place = 1;
  timer.nextWork = 0;
  if (workTail) changetype<Timer>(workTail).nextWork = address;
  else workHead = address;
  workTail = address;
  workCount++;
  tell();
  const ctx = load<u32>(vm, VM_CTX);
  if (ctx) lower(ctx + CTX_SIZE);
}

function lower(end: u32): void {
  if (end < load<u32>(vm, VM_BATCH_END)) store<u32>(vm, end, VM_BATCH_END);
}

/** What a packet's program takes for the time. */
function timeOf(ctx: u32): i64 {
  const time = load<i64>(ctx, CTX_TIME);
  return time ? time : load<i64>(vm, VM_TIME);
}

/** The first record of [from, end) whose time is not before `due`. Captures are nearly always in order, but nothing says so. */
function firstDue(from: u32, end: u32, due: i64): u32 {
  while (from < end && timeOf(from) < due) from += CTX_SIZE;
  return from;
}

let sorted: bool = false;
let latest: i64 = 0;

/** Are the times of [from, end) in order, and which is the latest one. */
function scan(from: u32, end: u32): void {
  sorted = true;
  latest = i64.MIN_VALUE;
  for (; from < end; from += CTX_SIZE) {
    const time = timeOf(from);
    if (time < latest) sorted = false;
    else latest = time;
  }
}

/** Makes the running batch end before its first packet at or behind `due`. The batch is looked through once, not with every start. */
function stopBatch(due: i64): void {
  const ctx = load<u32>(vm, VM_CTX);
  const end = load<u32>(vm, VM_BATCH_END);
  let low = ctx + CTX_SIZE;
  if (!ctx || low >= end) return;
  if (!load<u32>(vm, VM_BATCH_SCANNED)) {
    scan(low, end);
    store<u32>(vm, 1, VM_BATCH_SCANNED);
  }
  if (due > latest) return;
  if (!sorted) return lower(firstDue(low, end, due));
  let high = end;
  while (low < high) {
    const middle = low + (((high - low) / CTX_SIZE) >> 1) * CTX_SIZE;
    if (timeOf(middle) < due) low = middle + CTX_SIZE;
    else high = middle;
  }
  lower(low);
}

/** How far packets from `from` on may run before a timer is due. */
export function async_stop(from: u32, end: u32): u32 {
  return armed ? firstDue(from, end, changetype<Timer>(at(1)).due) : end;
}

/** Takes what is to be done first: work, or a timer that is due by `time`; 0 for nothing. */
export function takeDue(time: i64): u32 {
  const next = workHead ? workHead : armed && changetype<Timer>(at(1)).due <= time ? at(1) : 0;
  if (next) disarm(next);
  return next;
}

export function packetTime(ctx: u32): i64 {
  return timeOf(ctx);
}

export function setRunning(address: u32): void {
  running = address;
}

export function isRunning(address: u32): bool {
  return running == address;
}

/** Some callback runs. */
export function anyRunning(): bool {
  return running != 0;
}

/** Whether a timer or work has this callback: its program must stay. */
export function callback_in_use(slot: u32): u32 {
  for (let timer = first; timer; timer = changetype<Timer>(timer).next)
    if (changetype<Timer>(timer).slot == slot) return 1;
  return 0;
}
