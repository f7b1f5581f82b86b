// bpf_timer_*, bpf_wq_*, and the calls of their callbacks between packets.
import {
  MAP_FIELDS_USER_GONE,
  VM_BUDGET,
  VM_BUDGET_LIMIT,
  VM_CTX,
  VM_FRAME_TOP,
  VM_TAIL_COUNT,
  VM_TIME,
} from '../../abi';
import { BPF_MAP_TYPE_ARRAY, EBUSY, EDEADLK, EINVAL, ENOMEM, EPERM } from '../../isa';
import { FIELD_TIMER, FIELD_WORKQUEUE } from '../../verifier/abi/input';
import { callback } from '../callback';
import { vm } from '../env';
import { fieldOffset } from '../map/fields';
import { BpfMap, round8 } from '../map/map';
import {
  anyRunning,
  arm,
  disarm,
  enqueue,
  isRunning,
  newTimer,
  packetTime,
  setRunning,
  Timer,
  takeDue,
} from '../timer';
import { now } from './state';

const MAX_CLOCKS: u64 = 16;
const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
const CLOCK_BOOTTIME: u64 = 7;
const BPF_F_TIMER_ABS: u64 = 1;
const BPF_F_TIMER_CPU_PIN: u64 = 2;
/** A timer that starts itself at once fires no sooner: time passes between two interrupts, and without it none would pass here. */
const MIN_DELTA: i64 = 1000;
/** Above the frame of a callback: the index of an array's element, its key. */
const KEY_ROOM: u32 = 16;

/** The map may be without users when a program still runs: nothing would ever end its timers. */
function userGone(map: u32): bool {
  const fields = changetype<BpfMap>(map).fields;
  return !fields || load<u32>(fields, MAP_FIELDS_USER_GONE) != 0;
}

function init(field: u32, map: u32, isWork: bool): i64 {
  if (load<u32>(field)) return -EBUSY;
  if (userGone(map)) return -EPERM;
  const kind: u32 = isWork ? FIELD_WORKQUEUE : FIELD_TIMER;
  const timer = newTimer(map, field - fieldOffset(changetype<BpfMap>(map), kind), isWork);
  if (!timer) return -ENOMEM;
  store<u64>(field, timer);
  return 0;
}

export function timer_init(field: u32, map: u32, flags: u64): i64 {
  const known = flags == CLOCK_REALTIME || flags == CLOCK_MONOTONIC || flags == CLOCK_BOOTTIME;
  return flags < MAX_CLOCKS && known ? init(field, map, false) : -EINVAL;
}

function setCallback(field: u32, slot: u32): i64 {
  const address = load<u32>(field);
  if (!address) return -EINVAL;
  const timer = changetype<Timer>(address);
  if (userGone(timer.map)) return -EPERM;
  timer.slot = slot;
  return 0;
}

export function timer_set_callback(field: u32, slot: u32, _fp: u32): i64 {
  return setCallback(field, slot);
}

/** When a timer that is started now for `ns` fires. */
function dueAt(ns: i64, absolute: bool): i64 {
  const time = <i64>now();
  let due = absolute ? ns : time + ns;
  if (!absolute && ns > 0 && due < time) due = i64.MAX_VALUE;
  return max(due, anyRunning() ? time + MIN_DELTA : time);
}

export function timer_start(field: u32, ns: u64, flags: u64): i64 {
  if (flags & ~(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN)) return -EINVAL;
  const timer = load<u32>(field);
  if (!timer || !changetype<Timer>(timer).slot) return -EINVAL;
  return arm(timer, dueAt(ns, (flags & BPF_F_TIMER_ABS) != 0)) ? 0 : -ENOMEM;
}

/** 1 when it waited. It forgets its callback. */
export function timer_cancel(field: u32): i64 {
  const timer = load<u32>(field);
  if (!timer) return -EINVAL;
  if (isRunning(timer)) return -EDEADLK;
  changetype<Timer>(timer).slot = 0;
  return disarm(timer) ? 1 : 0;
}

/** An int as a register has it. */
function int(value: i64): u64 {
  return <u64>(<u32>value);
}

export function bpf_wq_init(field: u64, map: u64, flags: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return <u32>flags ? int(-EINVAL) : int(init(<u32>field, <u32>map, true));
}

export function bpf_wq_set_callback_impl(field: u64, slot: u64, flags: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return <u32>flags ? int(-EINVAL) : int(setCallback(<u32>field, <u32>slot));
}

export function bpf_wq_start(field: u64, flags: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const work = load<u32>(<u32>field);
  if (<u32>flags || !work) return int(-EINVAL);
  enqueue(work);
  return 0;
}

/** callback(map, key, value) with no packet, at the time it was due. */
function fire(address: u32, time: i64): void {
  const timer = changetype<Timer>(address);
  if (!timer.slot) return;
  const m = changetype<BpfMap>(timer.map);
  const fp = load<u32>(vm, VM_FRAME_TOP) - KEY_ROOM;
  let key = fp;
  if (m.type == BPF_MAP_TYPE_ARRAY) store<u32>(key, (timer.value - m.data) / m.stride);
  else key = timer.value - round8(m.keySize);
  store<u32>(vm, 0, VM_CTX);
  store<u32>(vm, 0, VM_TAIL_COUNT);
  store<u32>(vm, load<u32>(vm, VM_BUDGET_LIMIT), VM_BUDGET);
  store<i64>(vm, time, VM_TIME);
  setRunning(address);
  callback(timer.slot, fp, timer.map, key, timer.value);
  setRunning(0);
}

/** Does the first thing that is to be done by `time`: 0 when there is none. A trap ends what a callback did, as it ends a packet's run. */
function step(time: i64, current: i64): u32 {
  // The callback before may have ended by a trap.
  setRunning(0);
  const next = takeDue(time);
  if (!next) return 0;
  const timer = changetype<Timer>(next);
  fire(next, timer.isWork ? current : timer.due);
  return 1;
}

/** What is to be done before the packet of record `ctx`. */
export function async_step(ctx: u32): u32 {
  return step(packetTime(ctx), packetTime(ctx));
}

/** What is to be done behind the last packet of a batch, whose record is `ctx`: work. */
export function async_work(ctx: u32): u32 {
  return step(i64.MIN_VALUE, packetTime(ctx));
}

/** What is to be done by a time of two words. */
export function async_step_until(low: u32, high: u32): u32 {
  const time = <i64>(((<u64>high) << 32) | low);
  return step(time, time);
}
