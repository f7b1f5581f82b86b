/**
 * The engine: one linear memory (the address space), one function table (the slots programs jump through), the runtime, a clock, a trace
 * sink and devices. `load` takes an object through the stages:
 *
 *     BpfObject -> link -> verify -> compile -> instantiate -> Prog
 */
import {
  DEFAULT_CPUS,
  DEFAULT_INSN_BUDGET,
  MAX_CPUS,
  MAX_INSN_BUDGET,
  STACK_TOP,
  VM_ASYNC,
  VM_BASE,
  VM_BUDGET_LIMIT,
  VM_CPU,
  VM_DROPPED,
  VM_FRAME_TOP,
  VM_MAY_WAIT,
  VM_TIME,
} from '../assembly/abi.ts';
import { MAX_BPF_STACK } from '../assembly/isa.ts';
import { type FilterOptions, linkFilter } from './cbpf/convert.ts';
import type { SockFilter } from './cbpf/insn.ts';
import type {
  EngineOptions,
  InternalLoadOptions,
  LoadHow,
  LoadInsnsOptions,
  LoadOptions,
  TimerRun,
} from './engine-options.ts';
import { RunError } from './errors/index.ts';
import { type InsnSource, linkInsns } from './link/insns.ts';
import type { LinkedProg } from './link/types.ts';
import { checkInsns, Loaded, Loader, type LoadParts } from './loader.ts';
import { mapCodecs } from './object/codec.ts';
import type { BpfObject, MapSpec } from './object/types.ts';
import type { ThreadPool } from './replay/workers/pool.ts';
import type { Team } from './replay/workers/team.ts';
import { Area } from './runtime/area.ts';
import { runAsync } from './runtime/async.ts';
import { Device, type DeviceOptions } from './runtime/device.ts';
import { instantiateRuntime, type RuntimeExports } from './runtime/exports.ts';
import type { ProgHost } from './runtime/host.ts';
import { setMachine } from './runtime/machine.ts';
import { BpfMap } from './runtime/map.ts';
import { createMap } from './runtime/map-create.ts';
import { MAX_PAGES, Memory } from './runtime/memory.ts';
import { Network } from './runtime/network/network.ts';
import { checkOption } from './runtime/option.ts';
import type { Prog } from './runtime/prog.ts';
import { type RedirectHost, RedirectMap } from './runtime/redirect-map.ts';
import { compileSharedRuntime, mayWait, newMemory } from './runtime/shared.ts';
import { SharedTable } from './runtime/table.ts';
import { TraceBuffer, type TraceQueue } from './runtime/trace.ts';
import type { Violation } from './runtime/trap.ts';
import { Wakeups } from './runtime/wakeups.ts';
import { type XskOptions, XskSocket } from './runtime/xsk.ts';
import { compileVerifier } from './verifier/instance.ts';
import { valueFields } from './verifier/value-fields.ts';
import { Verifier } from './verifier/verify.ts';

export type {
  EngineOptions,
  InternalLoadOptions,
  LoadHow,
  LoadInsnsOptions,
  LoadOptions,
  TimerRun,
} from './engine-options.ts';

const MIN_PAGES = 16;

export class Engine implements ProgHost, RedirectHost {
  readonly memory: Memory;
  readonly vm = VM_BASE;
  readonly cpus: number;
  /** Threads that replays may use. */
  readonly workers: number;
  /** @internal set while they run programs */
  slotGate: Team | undefined;
  readonly table = new SharedTable();
  /** Routes, neighbours, sockets: what programs ask the rest of the kernel for. */
  readonly network = new Network(this);
  /** @internal */
  readonly verifier: Verifier;
  /** @internal */
  readonly remembers: boolean;
  running = false;
  /** @internal */
  readonly wakeups = new Wakeups();
  /** @internal */
  readonly progNames = new Map<number, string>();
  /** @internal programs that a handle, a slot or a link keeps alive, in the order of their ids */
  readonly liveProgs = new Set<Prog>();
  private exports: RuntimeExports | undefined;
  private readonly traceBuffer: TraceBuffer;
  private readonly clock: () => bigint;
  private readonly deviceList = new Map<string, Device>();
  private readonly loadedObjects = new Set<Loaded>();
  private readonly ownMaps = new Set<BpfMap>();
  private readonly mapsByAddress = new Map<number, BpfMap>();
  private readonly pinned = new Map<string, BpfMap>();
  /** Programs that nothing but timers holds. */
  private readonly waiting: { readonly slots: readonly number[]; readonly free: () => void }[] = [];
  private readonly scratchArea = new Area(this, 4096, 'a key or value');
  private readonly frameArea = new Area(this, 8192, 'packets');
  private nextMapId = 1;
  private nextProgId = 1;
  private nextSocketId = 1;
  private nextUnitId = 1;
  private pool: ThreadPool | undefined;
  private closed = false;

  private constructor(options: EngineOptions) {
    const maximum = options.maximumPages ?? MAX_PAGES;
    checkOption('maximumPages', maximum, MIN_PAGES, MAX_PAGES);
    this.workers = options.workers ?? 0;
    checkOption('workers', this.workers, 0, MAX_CPUS);
    this.cpus = options.cpus ?? Math.max(DEFAULT_CPUS, this.workers);
    checkOption('cpus', this.cpus, Math.max(1, this.workers), MAX_CPUS);
    checkOption('cpu', options.cpu ?? 0, 0, this.cpus - 1);
    checkOption('insnBudget', options.insnBudget ?? DEFAULT_INSN_BUDGET, 1, MAX_INSN_BUDGET);
    this.memory = new Memory(newMemory(MIN_PAGES, maximum, this.isShared));
    this.clock = options.clock ?? monotonic;
    this.remembers = options.remember ?? true;
    this.verifier = new Verifier({ remember: this.remembers });
    this.traceBuffer = new TraceBuffer(this.memory, this.vm);
  }

  /** A new engine; nothing is shared between two of them. */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    const engine = new Engine(options);
    void compileVerifier();
    const traceFull = () => engine.traceBuffer.flush();
    engine.exports = await instantiateRuntime(engine.memory.raw, {
      vm: engine.vm,
      table: engine.table.table,
      traceFull,
      ...(engine.isShared && { module: await compileSharedRuntime() }),
    });
    const seed = BigInt.asUintN(64, BigInt(options.seed ?? 0));
    engine.runtime.seed(Number(seed & 0xffffffffn) | 0, Number(seed >> 32n) | 0);
    const { view } = engine.memory;
    view.setInt32(engine.vm + VM_BUDGET_LIMIT, options.insnBudget ?? DEFAULT_INSN_BUDGET, true);
    view.setUint32(engine.vm + VM_FRAME_TOP, STACK_TOP, true);
    view.setUint32(engine.vm + VM_CPU, options.cpu ?? 0, true);
    view.setUint32(engine.vm + VM_MAY_WAIT, engine.isShared && mayWait() ? 1 : 0, true);
    setMachine(engine.memory, engine.vm, options);
    if (options.trace === true) engine.enableTrace();
    return engine;
  }

  /** @internal the runtime's functions */
  get runtime(): RuntimeExports {
    if (this.exports === undefined) throw new RunError('RUN_INTERNAL', { detail: 'the runtime is not there yet' });
    return this.exports;
  }

  /** @internal lines are kept */
  get isTracing(): boolean {
    return this.traceBuffer.enabled;
  }

  /** @internal `now` is the host's clock, which other threads can read */
  get hasOwnClock(): boolean {
    return this.clock === monotonic;
  }

  /** @internal threads run on the memory */
  get isShared(): boolean {
    return this.workers > 0;
  }

  /** @internal the threads, started when they are first wanted */
  async threads(): Promise<ThreadPool> {
    this.usable('replay');
    if (this.pool === undefined) {
      const { ThreadPool } = await import('./replay/workers/pool.ts');
      this.pool ??= new ThreadPool(this);
    }
    await this.pool.ready();
    return this.pool;
  }

  /** @internal */
  newUnitId(): number {
    return this.nextUnitId++;
  }

  /** @internal zeroed memory for as long as `free` is not called */
  alloc(bytes: number, what: string): number {
    const address = this.runtime.alloc(bytes) >>> 0;
    if (address === 0) throw new RunError('RUN_MEMORY', { what, bytes });
    return address;
  }

  /** @internal the same, of any content */
  reserve(bytes: number, what: string): number {
    const address = this.runtime.alloc_raw(bytes) >>> 0;
    if (address === 0) throw new RunError('RUN_MEMORY', { what, bytes });
    return address;
  }

  /** @internal */
  scratch(bytes: number): number {
    return this.scratchArea.at(bytes);
  }

  /** @internal */
  frames(bytes: number): number {
    return this.frameArea.at(bytes);
  }

  /** What bpf_ktime_get_ns returns now, outside a replay. */
  now(): bigint {
    return this.clock();
  }

  /** @internal */
  progName(id: number): string {
    return this.progNames.get(id) ?? `#${id}`;
  }

  /** @internal what a program makes of what it threw */
  handle(progId: number, cookie: bigint): number {
    const prog = [...this.liveProgs].find(({ id }) => id === progId);
    if (prog === undefined) throw new RunError('RUN_INTERNAL', { detail: `program ${progId} threw, but is gone` });
    return prog.handle(cookie, STACK_TOP - MAX_BPF_STACK);
  }

  /** @internal */
  afterBatch(): void {
    this.traceBuffer.flush();
    if (this.memory.view.getUint32(this.vm + VM_DROPPED, true) !== 0) this.runtime.object_reclaim();
    if (this.wakeups.any) this.wakeups.run();
    this.sweep();
  }

  /** @internal frees a program now, or once no timer or queued work has one of its callbacks any more */
  whenIdle(slots: readonly number[], free: () => void): void {
    this.waiting.push({ slots, free });
    this.sweep();
  }

  /** Frees programs that only timers held, and no timer does now. */
  private sweep(): void {
    for (let i = 0; i < this.waiting.length; ) {
      const { slots, free } = this.waiting[i];
      if (slots.some((slot) => this.runtime.callback_in_use(slot) !== 0)) i++;
      else {
        this.waiting.splice(i, 1);
        free();
      }
    }
  }

  /**
   * Fires timers that are due by `now`, in the order of their times, and does queued work; both happen by themselves before a packet at or behind their
   * time. Timers that are left stay armed.
   * @param now the engine's clock unless given
   */
  runTimers(now: bigint = this.now()): TimerRun {
    this.usable('runTimers');
    if (typeof now !== 'bigint')
      throw new RunError('RUN_OPTION', { option: 'now', found: String(now), expected: 'a bigint' });
    const time = BigInt.asUintN(64, now);
    const [low, high] = [Number(time & 0xffffffffn), Number(time >> 32n)];
    const violations: Violation[] = [];
    this.running = true;
    try {
      const step = () => this.runtime.async_step_until(low, high);
      return { ran: runAsync(this, step, (violation) => violations.push(violation)), violations };
    } finally {
      this.running = false;
      this.afterBatch();
    }
  }

  /** Timers that are armed, and work that is queued. */
  get pendingTimers(): number {
    return this.memory.view.getUint32(this.vm + VM_ASYNC, true);
  }

  /** Refuses use after close, and changes while a program runs. */
  private usable(what: string): void {
    if (this.closed) throw new RunError('RUN_CLOSED', { what: 'engine', name: '' });
    if (this.running) throw new RunError('RUN_BUSY', { what });
  }

  private enableTrace(): void {
    this.traceBuffer.enable((size) => this.alloc(size, 'the trace buffer'));
  }

  /**
   * trace_printk lines in trace_pipe's form, as they come: `for await (const line of engine.trace)`. `engine.trace.drain()` takes those that are
   * there. Lines are kept from the first use of this property on (or from the start: option `trace`).
   */
  get trace(): TraceQueue {
    if (!this.closed) this.enableTrace();
    return this.traceBuffer.queue;
  }

  /**
   * Loads the object's programs: links and verifies them, creates maps, compiles, instantiates.
   * @throws the error of the stage that refuses; then nothing stays loaded
   */
  async load(object: BpfObject, options: LoadOptions = {}): Promise<Loaded> {
    const loaded = await this.loading(options, (loader) => loader.loadObject(object));
    this.loadedObjects.add(loaded);
    return loaded;
  }

  /**
   * Loads linked programs that come from no object file; their map references index `LinkedProg.maps`, which `maps` makes live.
   */
  async loadLinked(
    progs: readonly LinkedProg[],
    maps: ReadonlyMap<MapSpec, BpfMap>,
    options: InternalLoadOptions = {},
  ): Promise<Loaded> {
    const loaded = await this.loading(options, (loader) => loader.loadLinked(progs, maps));
    this.loadedObjects.add(loaded);
    return loaded;
  }

  /** Runs a load; what it has made is given back when it fails. */
  private async loading(options: InternalLoadOptions, load: (loader: Loader) => Promise<Loaded>): Promise<Loaded> {
    this.usable('load');
    const loader = new Loader(this, options);
    try {
      return await load(loader);
    } catch (error) {
      loader.undo();
      throw error;
    }
  }

  /**
   * Loads one program of bare insns, as BPF_PROG_LOAD does. It lives until its `close` or the engine's; the maps stay the caller's.
   * @throws the error of the stage that refuses
   */
  async loadInsns(insns: InsnSource, options: LoadInsnsOptions): Promise<Prog> {
    checkInsns(insns, options);
    const maps = options.maps ?? [];
    for (const map of maps) BpfMap.ofHost(this, map, 'maps');
    // One spec for each place: two maps may have been made of the same one.
    const specs = maps.map((map) => ({ ...map.spec }));
    const live = new Map(specs.map((spec, i) => [spec, maps[i]]));
    return this.loadOne(linkInsns(insns, { ...options, maps: specs }), live, options);
  }

  /**
   * Loads a classic BPF filter, such as `tcpdump -ddd` prints, as a program of type socket_filter: what it returns is how many bytes of the
   * packet to keep, 0 for none.
   * @throws CbpfError when the filter breaks a rule of Linux, or asks for what cannot be answered here
   */
  async loadFilter(filter: string | readonly SockFilter[], options: FilterOptions & LoadHow = {}): Promise<Prog> {
    return this.loadOne(linkFilter(filter, options), new Map(), options);
  }

  private async loadOne(prog: LinkedProg, maps: ReadonlyMap<MapSpec, BpfMap>, options: LoadHow): Promise<Prog> {
    const { checked = false, optimize = false, verify = {} } = options;
    const how = { checked, optimize, verify };
    const loaded = await this.loading(how, (loader) => loader.loadLinked([prog], maps));
    return loaded.prog(prog.name);
  }

  /** A map of its own, such as bpf_map_create gives. It lives until its `close` or the engine's. */
  createMap(spec: MapSpec, object?: BpfObject): BpfMap {
    this.usable('createMap');
    const types = { ...mapCodecs(object?.btf, spec), fields: valueFields(object?.btf, spec) };
    const map = createMap(this, this.table, spec, this.nextMapId++, types);
    this.ownMaps.add(map);
    this.mapsByAddress.set(map.address, map);
    return map;
  }

  /**
   * Maps that are pinned, by name: what /sys/fs/bpf is to the kernel. Maps declared with LIBBPF_PIN_BY_NAME (iproute2: PIN_GLOBAL_NS) are pinned when they
   * are loaded, and shared by every object that declares the same name.
   */
  get pins(): ReadonlyMap<string, BpfMap> {
    return this.pinned;
  }

  /** Pins a map, under its own name unless another is given: it lives until it is unpinned. @throws RunError RUN_PINNED when the name is taken */
  pin(map: BpfMap, name: string = map?.name): void {
    this.usable('pin');
    BpfMap.ofHost(this, map, 'map');
    if (this.pinned.has(name)) throw new RunError('RUN_PINNED', { name });
    map.addUser();
    this.pinned.set(name, map);
  }

  /** @returns false when nothing is pinned under that name */
  unpin(name: string): boolean {
    const map = this.pinned.get(name);
    this.pinned.delete(name);
    map?.close();
    return map !== undefined;
  }

  /** @internal */
  newProgId(): number {
    return this.nextProgId++;
  }

  /** @internal a loaded object was closed */
  forget(loaded: Loaded): void {
    this.loadedObjects.delete(loaded);
    this.sweep();
  }

  /** Adds a virtual network device. */
  addDevice(name: string, options: DeviceOptions = {}): Device {
    this.usable('addDevice');
    if (this.deviceList.has(name)) throw new RunError('RUN_DEVICE_EXISTS', { name });
    const taken = new Set([...this.deviceList.values()].map((d) => d.ifindex));
    let ifindex = options.ifindex ?? 1;
    if (options.ifindex === undefined) while (taken.has(ifindex)) ifindex++;
    checkOption('ifindex', ifindex, 1, 0x7fffffff);
    if (taken.has(ifindex)) throw new RunError('RUN_DEVICE_EXISTS', { name: `with ifindex ${ifindex}` });
    const device = new Device(this, name, ifindex, options);
    this.deviceList.set(name, device);
    return device;
  }

  /** Adds a veth pair: what leaves one end arrives at the other. */
  addVeth(a: string, b: string, options: { readonly [end: string]: DeviceOptions } = {}): [Device, Device] {
    const one = this.addDevice(a, options[a]);
    try {
      const other = this.addDevice(b, options[b]);
      this.connect(one, other);
      return [one, other];
    } catch (error) {
      this.removeDevice(one);
      throw error;
    }
  }

  /** Makes two devices the ends of one link. @throws RunError RUN_DEVICE_PEER when one of them has another peer */
  connect(one: Device, other: Device): void {
    this.usable('connect');
    for (const device of [one, other])
      if (this.deviceList.get(device.name) !== device)
        throw new RunError('RUN_FOREIGN', { what: 'device', name: device.name });
    if (one.peer === other && other.peer === one) return;
    for (const { name, peer } of [one, other])
      if (peer !== undefined || one === other)
        throw new RunError('RUN_DEVICE_PEER', { name, peer: (peer ?? one).name });
    one.setPeer(other);
    other.setPeer(one);
  }

  /** Removes a device: its program is detached, its peer has none any more, and maps forget it. */
  removeDevice(device: Device): void {
    this.usable('removeDevice');
    if (this.deviceList.get(device.name) !== device)
      throw new RunError('RUN_FOREIGN', { what: 'device', name: device.name });
    device.close();
    this.deviceList.delete(device.name);
    this.runtime.device_remove(device.ifindex);
    this.network.removeDevice(device);
    for (const map of this.mapsByAddress.values()) if (map instanceof RedirectMap) map.dropDevice(device.ifindex);
  }

  /** Opens an AF_XDP socket on a queue of a device; an xskmap takes it. */
  openXsk(device: Device, options: XskOptions = {}): XskSocket {
    this.usable('openXsk');
    if (this.deviceList.get(device.name) !== device)
      throw new RunError('RUN_FOREIGN', { what: 'device', name: device.name });
    checkOption('queue', options.queue ?? 0, 0, device.queues - 1);
    checkOption('size', options.size ?? 1, 1, 0x7fffffff);
    return new XskSocket(this, this.nextSocketId++, device, options);
  }

  /** A device by its name or number. */
  device(name: string | number): Device | undefined {
    return typeof name === 'number' ? this.deviceByIndex(name) : this.deviceList.get(name);
  }

  /** @internal */
  deviceByIndex(ifindex: number): Device | undefined {
    for (const device of this.deviceList.values()) if (device.ifindex === ifindex) return device;
    return undefined;
  }

  /** @internal */
  deviceChanged(device: Device): void {
    const { ifindex, mtu } = device;
    if (this.runtime.device_set(ifindex, mtu) !== 0) throw new RunError('RUN_MEMORY', { what: 'a device', bytes: 64 });
    this.network.setDevice(device);
  }

  /** @internal a map's memory is given back */
  forgetMap(map: BpfMap): void {
    this.mapsByAddress.delete(map.address);
    this.ownMaps.delete(map);
  }

  /** @internal maps that are there: closed ones among them, while a program uses them */
  get maps(): Iterable<BpfMap> {
    return this.mapsByAddress.values();
  }

  /** @internal */
  mapAt(address: number): BpfMap | undefined {
    return this.mapsByAddress.get(address);
  }

  /** @internal */
  progById(id: number): Prog | undefined {
    for (const prog of this.liveProgs) if (prog.id === id) return prog;
    return undefined;
  }

  get devices(): readonly Device[] {
    return [...this.deviceList.values()];
  }

  /** Programs that run or sit in slots: whether one of them moves packet ends decides how packets are laid out. */
  get progs(): readonly Prog[] {
    this.sweep();
    return [...this.liveProgs];
  }

  /** @internal sets what the runtime's clock shows to contexts that carry no time */
  setTime(ns: bigint): void {
    this.memory.view.setBigUint64(this.vm + VM_TIME, BigInt.asUintN(64, ns), true);
  }

  /** Detaches, unloads and frees everything. Closing twice is fine. */
  close(): void {
    if (this.closed) return;
    for (const device of this.deviceList.values()) {
      device.close();
      this.runtime.device_remove(device.ifindex);
      this.network.removeDevice(device);
    }
    for (const loaded of [...this.loadedObjects]) loaded.close();
    // What has no object: programs of loadInsns and loadFilter.
    for (const prog of this.progs) prog.close();
    for (const map of this.ownMaps) map.close();
    for (const name of [...this.pinned.keys()]) this.unpin(name);
    this.sweep();
    this.pool?.close();
    this.traceBuffer.flush();
    this.traceBuffer.queue.close();
    this.closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export { Loaded, type LoadParts };

function monotonic(): bigint {
  return BigInt(Math.round(performance.now() * 1e6));
}
