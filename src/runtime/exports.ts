// The runtime module (assembly/runtime): its exports as TypeScript sees them, and how it is loaded. Its bytes are part of
// this package's code, so loading touches no network.
import { compileModule, instantiateModule } from '../util/wasm-module.ts';
import { runtimeBytes } from './wasm.ts';

/**
 * Addresses come as i32: use `>>> 0`. `map_create` gives an address or a negated errno; see `errnoOf`. Functions with a
 * bigint are for compiled programs, which import them with their Wasm types, and for tests.
 */
export interface RuntimeExports {
  /** `size` zero bytes, 64-byte aligned, or 0 when there is no room. May grow the memory. */
  alloc(size: number): number;
  /** The same with whatever is there: for what is written before it is read. */
  alloc_raw(size: number): number;
  free(address: number): void;
  /** Bytes in use, for leak checks. */
  mem_used(): number;

  map_create(
    type: number,
    keySize: number,
    valueSize: number,
    maxEntries: number,
    flags: number,
    cpus: number,
    extra: number,
  ): number;
  map_destroy(map: number): void;
  /** Room for `count` struct MapField behind a header that it writes, or 0 without memory. */
  map_set_fields(map: number, count: number, kinds: number): number;
  /** Timers and queued work in its values end. */
  map_user_gone(map: number): void;
  /** First map of the engine; the others follow by MAP_NEXT. */
  map_first(): number;
  /** bpf(2)'s operations: per-CPU values are all CPUs' copies, found by MAP_CPU_STRIDE. Lookup gives an address or 0, the others 0 or -errno. */
  map_lookup(map: number, key: number): number;
  map_update(map: number, key: number, value: number, flags: number): number;
  map_delete(map: number, key: number): number;
  /** The number of a hash's buckets. */
  hash_buckets(map: number): number;
  /** Addresses of the keys of whole buckets from one on, `max` at most, behind the number of the next bucket: how many, or -ENOSPC, -ENOENT. */
  hash_batch(map: number, bucket: number, max: number, out: number): number;
  /** `key` 0 asks for the first one. */
  map_next_key(map: number, key: number, out: number): number;
  /** Queue and stack: the next value, taken or only looked at; bloom filter: `map_peek` asks for the value. 0 or -errno. */
  map_pop(map: number, out: number): number;
  map_peek(map: number, value: number): number;
  /** Address of the value that comes out after `index` others, or 0. */
  queue_at(map: number, index: number): number;
  /** Header of the next record to read, or 0; and that it was read. */
  ringbuf_next(map: number): number;
  ringbuf_consume(map: number): void;
  /** Header of the record behind the one with this header, of the first one for 0; or 0. */
  ringbuf_walk(map: number, header: number): number;
  /** The buffer of a CPU of a perf event array: opened (0 or -errno), closed, its address or 0; its next record or 0, and that it was read. */
  perf_open(map: number, cpu: number, size: number, every: number): number;
  perf_close(map: number, cpu: number): void;
  perf_ring(map: number, cpu: number): number;
  perf_next(ring: number): number;
  perf_consume(ring: number): void;
  /** A record for JavaScript to fill, or 0; and its end, submitted or discarded. */
  user_ringbuf_reserve(map: number, size: number): number;
  user_ringbuf_commit(record: number, discard: number): void;

  /** What helpers know of the engine's devices: 0, or -ENOMEM. */
  device_set(ifindex: number, mtu: number): number;
  device_remove(ifindex: number): void;
  /** User space touches these bytes of an arena: their pages are there from now on. */
  arena_touch(map: number, offset: number, length: number): void;
  /** Where a program's access goes; for tests. */
  arena_at(map: number, ptr: number, size: number): number;

  /** A type of objects that programs make, `cpus` above 0: with a copy for each CPU. One program uses it. 0 without memory. */
  object_type(size: number, cpus: number): number;
  /** Room for the fields of its objects, as map_set_fields; `refcount`: where the reference count is, or -1. */
  object_type_fields(type: number, count: number, kinds: number, refcount: number): number;
  /** The program that used it is gone. */
  object_type_release(type: number): void;
  /** No program runs: the memory of dropped objects may be used again. */
  object_reclaim(): void;

  /** Seeds get_prandom_u32 and the hashes of maps created afterwards. */
  seed(low: number, high: number): void;

  /** Context records (CTX_SIZE each) for packets that run where they lie; `walk` is struct CaptureWalk. */
  batch_in_place(
    ctx: number,
    count: number,
    base: number,
    offsets: number,
    lengths: number,
    times: number,
    wireLengths: number,
    ifindex: number,
    walk: number,
  ): void;
  /** Moves the times out of the records, to `times`. */
  batch_untimed(ctx: number, count: number, times: number): void;
  /** Copies packets in place into frames of `size` bytes, `pitch` apart, with head and tail room. Returns how many fitted: it stops at a packet too long. */
  batch_copy(ctx: number, count: number, frames: number, pitch: number, size: number): number;
  /** Splits packets in place that are longer than `linear`; `lists` has room for the struct Frags of all. */
  batch_split(ctx: number, count: number, linear: number, lists: number): void;
  /** batch_copy for packets of which at most `linear` bytes are in front of fragments. Returns how many fitted in [area, end). */
  batch_copy_frags(ctx: number, count: number, area: number, end: number, linear: number): number;
  /** Adds verdicts to u64[6]: ABORTED to REDIRECT, others. */
  verdict_count(ctx: number, count: number, out: number): void;
  /**
   * Context records of the whole pcap records in [piece, piece + length), packets in place: their number; `walk` is struct CaptureWalk, `flags` PCAP_SWAP and
   * PCAP_NANO.
   */
  /** Bytes behind `at`, fewer than `most`, where pcap records seem to begin, or PCAP_GUESS_NONE; `length` are there. */
  pcap_guess(at: number, most: number, length: number, flags: number): number;
  pcap_walk(
    piece: number,
    length: number,
    flags: number,
    ctx: number,
    max: number,
    ifindex: number,
    walk: number,
  ): number;
  /** The same of enhanced packet blocks; `factors`: u32 ns in a unit of each interface's time stamps, 0 for an interface that is not for it. */
  pcapng_walk(
    piece: number,
    length: number,
    flags: number,
    ctx: number,
    max: number,
    ifindex: number,
    walk: number,
    factors: number,
    interfaces: number,
  ): number;
  /**
   * Appends the packets with verdict TX, PASS or REDIRECT to an area as pcap records; `times` 0: as the records say; `gather` is struct Gather. Returns how
   * many records were looked at: it stops before a packet for which there is no room.
   */
  pcap_gather(
    ctx: number,
    count: number,
    times: number,
    flags: number,
    area: number,
    room: number,
    gather: number,
  ): number;

  /** Adds the whole pcap records in [at, end), `max` at most, to a struct Piece; sorts its packets by their CPUs; context records of some of them. */
  piece_walk(at: number, piece: number, end: number, flags: number, max: number): void;
  piece_sort(piece: number, flags: number, cpus: number, tables: number): void;
  piece_records(ctx: number, list: number, count: number, ifindex: number): void;
  /** Fills RSS_TABLES_SIZE bytes; the hash of a frame by them. */
  rss_tables(tables: number): void;
  rss_hash(tables: number, data: number, length: number): number;

  // The network's tables: each takes the address of a record of assembly/abi-net.ts and gives 0 or a negated errno.
  net_device_set(device: number): number;
  net_device_remove(ifindex: number): void;
  net_address_add(address: number): number;
  net_route_add(route: number): number;
  net_route_delete(route: number): number;
  net_rule_add(rule: number): number;
  net_sock_add(sock: number): number;
  /** 0 or -ENOENT. */
  net_sock_delete(id: number): number;
  /** net.ipv4.tcp_syncookies: 0, 1 or 2. */
  net_syncookies(mode: number): void;
  net_conn_add(conn: number): number;
  /** Address of the next entry of the connection table; the first one after 0, 0 at the end. */
  net_conn_next(conn: number): number;
  net_neighbour_set(neighbour: number): number;
  net_neighbour_delete(neighbour: number): number;
  /** Does one thing that timers and queued work have to do before the packet of the record `ctx`; 0 for nothing. */
  async_step(ctx: number): number;
  /** The same by a time of two words. */
  async_step_until(low: number, high: number): number;
  /** Queued work alone, behind the packet of the record `ctx`. */
  async_work(ctx: number): number;
  /** The first record of [from, end) before which a timer is due, or `end`. */
  async_stop(from: number, end: number): number;
  /** 1 when a timer or queued work has the callback in this slot. */
  callback_in_use(slot: number): number;
  /** A map that only programs referred to has a user again. */
  map_user_came(map: number): void;

  /** How many threads besides this one run programs now. */
  threads_running(count: number): void;

  /** 1 when the running program may touch all of [address, address + size). */
  check_mem(address: bigint, size: number, write: number): number;
  /** 1 when this is exactly the address of a live map. */
  check_map(address: bigint): number;
  /** Writes struct Trap and ends the invocation: does not return. */
  trap(code: number, prog: number, pc: number, address: bigint, size: number, write: number): void;

  // Helpers: one per row of src/isa/helpers.ts but tail_call.
  map_lookup_elem(map: number, key: number): number;
  map_update_elem(map: number, key: number, value: number, flags: bigint): bigint;
  map_delete_elem(map: number, key: number): bigint;
  map_lookup_percpu_elem(map: number, key: number, cpu: bigint): number;
  ktime_get_ns(): bigint;
  trace_printk(fmt: number, size: number, a: bigint, b: bigint, c: bigint): bigint;
  get_prandom_u32(): bigint;
  get_smp_processor_id(): bigint;
  redirect(ifindex: bigint, flags: bigint): bigint;
  redirect_map(map: number, key: bigint, flags: bigint): bigint;
  check_mtu(ctx: number, ifindex: bigint, mtuLen: number, diff: bigint, flags: bigint): bigint;
  csum_diff(from: number, fromSize: number, to: number, toSize: number, seed: bigint): bigint;
  sk_lookup_tcp(ctx: number, tuple: number, size: number, netns: bigint, flags: bigint): number;
  sk_lookup_udp(ctx: number, tuple: number, size: number, netns: bigint, flags: bigint): number;
  skc_lookup_tcp(ctx: number, tuple: number, size: number, netns: bigint, flags: bigint): number;
  sk_release(sock: number): bigint;
  sk_fullsock(sock: number): number;
  tcp_sock(sock: number): number;
  get_listener_sock(sock: number): number;
  tcp_check_syncookie(sock: number, iph: number, iphSize: number, th: number, thSize: number): bigint;
  tcp_gen_syncookie(sock: number, iph: number, iphSize: number, th: number, thSize: number): bigint;
  tcp_raw_gen_syncookie_ipv4(iph: number, th: number, size: number): bigint;
  tcp_raw_gen_syncookie_ipv6(iph: number, th: number, size: number): bigint;
  tcp_raw_check_syncookie_ipv4(iph: number, th: number): bigint;
  tcp_raw_check_syncookie_ipv6(iph: number, th: number): bigint;
  fib_lookup(ctx: number, params: number, size: number, flags: bigint): bigint;
  xdp_adjust_head(ctx: number, delta: bigint): bigint;
  xdp_adjust_meta(ctx: number, delta: bigint): bigint;
  xdp_adjust_tail(ctx: number, delta: bigint): bigint;
  map_push_elem(map: number, value: number, flags: bigint): bigint;
  map_pop_elem(map: number, value: number): bigint;
  map_peek_elem(map: number, value: number): bigint;
  perf_event_output(ctx: number, map: number, flags: bigint, data: number, size: number): bigint;
  perf_event_read(map: number, flags: bigint): bigint;
  perf_event_read_value(map: number, flags: bigint, buffer: number, size: number): bigint;
  ringbuf_output(map: number, data: number, size: number, flags: bigint): bigint;
  ringbuf_reserve(map: number, size: bigint, flags: bigint): number;
  ringbuf_submit(record: number, flags: bigint): void;
  ringbuf_submit_proved(record: number, flags: bigint): void;
  ringbuf_discard_proved(record: number, flags: bigint): void;
  ringbuf_discard(record: number, flags: bigint): void;
  ringbuf_query(map: number, what: bigint): bigint;
  ringbuf_reserve_dynptr(map: number, size: bigint, flags: bigint, ptr: number): bigint;
  ringbuf_submit_dynptr(ptr: number, flags: bigint): void;
  ringbuf_discard_dynptr(ptr: number, flags: bigint): void;
  user_ringbuf_drain(map: number, fn: number, ctx: bigint, flags: bigint, fp: number): bigint;
  trace_vprintk(fmt: number, size: number, args: number, argsSize: number): bigint;
  loop(count: bigint, fn: number, ctx: bigint, flags: bigint, fp: number): bigint;
  timer_init(timer: number, map: number, flags: bigint): bigint;
  timer_set_callback(timer: number, fn: number, fp: number): bigint;
  timer_start(timer: number, ns: bigint, flags: bigint): bigint;
  timer_cancel(timer: number): bigint;
  for_each_map_elem(map: number, fn: number, ctx: bigint, flags: bigint, fp: number): bigint;
  snprintf(text: number, size: number, fmt: number, args: number, argsSize: number): bigint;
  strtol(text: number, size: number, flags: bigint, out: number): bigint;
  strtoul(text: number, size: number, flags: bigint, out: number): bigint;
  strncmp(text: number, size: number, other: number): bigint;
  spin_lock(lock: number): void;
  spin_unlock(lock: number): void;
  /** After a violation: the lock that the run held is free. */
  locks_release(): void;
  probe_read_user(out: number, size: number, address: bigint): bigint;
  probe_read_kernel(out: number, size: number, address: bigint): bigint;
  probe_read_user_str(out: number, size: number, address: bigint): bigint;
  probe_read_kernel_str(out: number, size: number, address: bigint): bigint;
  ktime_get_boot_ns(): bigint;
  ktime_get_coarse_ns(): bigint;
  ktime_get_tai_ns(): bigint;
  jiffies64(): bigint;
  get_current_pid_tgid(): bigint;
  get_current_uid_gid(): bigint;
  get_current_comm(out: number, size: number): bigint;
  get_current_task(): bigint;
  get_ns_current_pid_tgid(dev: bigint, ino: bigint, out: number, size: number): bigint;
  get_cgroup_classid(): bigint;
  get_current_cgroup_id(): bigint;
  get_current_ancestor_cgroup_id(level: bigint): bigint;
  get_numa_node_id(): bigint;
  get_branch_snapshot(out: number, size: number, flags: bigint): bigint;
  send_signal(signal: bigint): bigint;
  send_signal_thread(signal: bigint): bigint;
  xdp_get_buff_len(ctx: number): bigint;
  xdp_load_bytes(ctx: number, offset: bigint, buffer: number, size: number): bigint;
  xdp_store_bytes(ctx: number, offset: bigint, buffer: number, size: number): bigint;
  per_cpu_ptr(object: number, cpu: bigint): number;
  this_cpu_ptr(object: number): number;
  kptr_xchg(kptr: number, object: number): number;
  dynptr_from_mem(data: number, size: number, flags: bigint, ptr: number): bigint;
  dynptr_read(to: number, length: number, src: number, offset: bigint, flags: bigint): bigint;
  dynptr_write(dst: number, offset: bigint, from: number, length: number, flags: bigint): bigint;
  dynptr_data(ptr: number, offset: bigint, length: bigint): number;

  // Variants of helpers for what the compiler knows: the map's type and key size, or that no one reads the result.
  array_lookup(map: number, key: number): number;
  array_update(map: number, key: number, value: number, flags: bigint): bigint;
  percpu_array_lookup(map: number, key: number): number;
  percpu_array_update(map: number, key: number, value: number, flags: bigint): bigint;
  hash_lookup(map: number, key: number): number;
  hash_lookup4(map: number, key: number): number;
  hash_lookup8(map: number, key: number): number;
  hash_lookup16(map: number, key: number): number;
  hash_update(map: number, key: number, value: number, flags: bigint): bigint;
  hash_delete(map: number, key: number): bigint;
  hash_update_words(map: number, hash: number, low: bigint, high: bigint, value: number, flags: bigint): bigint;
  hash_delete_words(map: number, hash: number, low: bigint, high: bigint): bigint;
  lru_update_words(map: number, hash: number, low: bigint, high: bigint, value: number, flags: bigint): bigint;
  lru_delete_words(map: number, hash: number, low: bigint, high: bigint): bigint;
  devmap_redirect(map: number, key: bigint, flags: bigint): bigint;
  devmap_hash_redirect(map: number, key: bigint, flags: bigint): bigint;
  cpumap_redirect(map: number, key: bigint, flags: bigint): bigint;
  xskmap_redirect(map: number, key: bigint, flags: bigint): bigint;
  percpu_hash_lookup(map: number, key: number): number;
  percpu_hash_update(map: number, key: number, value: number, flags: bigint): bigint;
  lru_lookup(map: number, key: number): number;
  lru_lookup4(map: number, key: number): number;
  lru_lookup8(map: number, key: number): number;
  lru_lookup16(map: number, key: number): number;
  lru_update(map: number, key: number, value: number, flags: bigint): bigint;
  lru_delete(map: number, key: number): bigint;
  lru_percpu_lookup(map: number, key: number): number;
  lru_percpu_update(map: number, key: number, value: number, flags: bigint): bigint;
  lpm_lookup(map: number, key: number): number;
  /** For keys of at most 8 bytes behind their length. */
  lpm_lookup_short(map: number, key: number): number;
  lpm_update(map: number, key: number, value: number, flags: bigint): bigint;
  lpm_delete(map: number, key: number): bigint;
  trace_printk_void(fmt: number, size: number, a: bigint, b: bigint, c: bigint): void;
}

export interface RuntimeOptions {
  /** Address of struct Vm of the thread this instance serves. */
  vm: number;
  /** The engine's shared table: callbacks are called through it. */
  table: WebAssembly.Table;
  /** The trace buffer is full: take its records and set VM_TRACE_USED to 0. */
  traceFull(): void;
  /** The compiled module, where compiling bytes at run time is not allowed or was done before. */
  module?: WebAssembly.Module;
}

/** The memory limits that the module's import declares, in 64 KiB pages. */
export const RUNTIME_MIN_PAGES = 16;
export const RUNTIME_MAX_PAGES = 65536;

/** Compiled for the first engine; code that V8 has optimised is every engine's. */
const compiled: { module?: WebAssembly.Module } = {};

export async function compileRuntime(): Promise<WebAssembly.Module> {
  compiled.module ??= await compileModule(runtimeBytes());
  return compiled.module;
}

/** Instantiates the runtime on `memory`, which must be fresh: at least RUNTIME_MIN_PAGES, a maximum, and all zero. */
export async function instantiateRuntime(memory: WebAssembly.Memory, options: RuntimeOptions): Promise<RuntimeExports> {
  const module = options.module ?? (await compileRuntime());
  const vm = new WebAssembly.Global({ value: 'i32', mutable: false }, options.vm);
  const env = { memory, vm, table: options.table, trace_full: () => options.traceFull() };
  const instance = await instantiateModule(module, { env });
  return instance.exports as unknown as RuntimeExports;
}

/** The errno in a result that is an address or a negated errno; 0 when it is an address. */
export function errnoOf(result: number): number {
  return result < 0 && result >= -4095 ? -result : 0;
}
