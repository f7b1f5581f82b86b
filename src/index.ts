/** bpf2wasm: loads BPF objects, compiles them to WebAssembly and runs packets through them. */
export { parseBtf } from './btf/parse.ts';
export type { Btf } from './btf/types.ts';
export { type CheckedFilter, checkFilter } from './cbpf/check.ts';
export { type FilterOptions, linkFilter } from './cbpf/convert.ts';
export type { SockFilter } from './cbpf/insn.ts';
export { parseFilter } from './cbpf/parse.ts';
export { type CompileObjectOptions, compileObject, prepare } from './compiler.ts';
export {
  Engine,
  type EngineOptions,
  Loaded,
  type LoadHow,
  type LoadInsnsOptions,
  type LoadOptions,
  type TimerRun,
} from './engine.ts';
export * from './errors/index.ts';
export type { Insn } from './isa/insn.ts';
export { type InsnSource, type InsnsOptions, linkInsns } from './link/insns.ts';
export { type LinkOptions, link } from './link/link.ts';
export type { LinkedProg } from './link/types.ts';
export {
  type InjectOptions,
  type NetHost,
  type NetworkInput,
  type NetworkOptions,
  VirtualNetwork,
} from './net/network.ts';
export type { DeviceReport, NetworkReport } from './net/report.ts';
export { findMap, findProg, setKconfig, setMaxEntries } from './object/edit.ts';
export { type LoadOptions as OpenOptions, loadObject } from './object/load.ts';
export type { BpfObject, MapSpec, ProgSpec, ProgType } from './object/types.ts';
export { getVariable, setVariable, variables } from './object/variables.ts';
export { type CaptureFile, type CaptureInput, type CapturePacket, CaptureReader, packets } from './replay/capture.ts';
export { type FilterCaptureOptions, type FilterMatch, type FilterReport, filterCapture } from './replay/filter.ts';
export { type PcapRecordMeta, PcapWriter, type PcapWriterOptions } from './replay/pcap-writer.ts';
export { type PcapngInterface, type PcapngPacket, PcapngWriter } from './replay/pcapng-writer.ts';
export {
  type ProgReport,
  type ReplayHost,
  type ReplayInput,
  type ReplayOptions,
  type ReplayProgress,
  type Report,
  replay,
  type TailCallReport,
  type VerdictCounts,
  type ViolationReport,
} from './replay/replay.ts';
export { Arena } from './runtime/arena.ts';
export { BloomFilter } from './runtime/bloom-filter.ts';
export {
  Device,
  type DeviceOptions,
  type DeviceStats,
  type DropReason,
  Link,
  type TapPoint,
} from './runtime/device.ts';
export { type DrainOptions, EventMap, type RecordOptions } from './runtime/event-map.ts';
export type { TaskOptions } from './runtime/machine.ts';
export { BpfMap } from './runtime/map.ts';
export type { Connection, ConnectionOptions } from './runtime/network/conntrack.ts';
export { type DeviceJson, type NetworkJson, setNetwork } from './runtime/network/json.ts';
export { type AddressOptions, type NeighbourOptions, Network } from './runtime/network/network.ts';
export type { RouteOptions, RouteType } from './runtime/network/route.ts';
export type { RuleOptions } from './runtime/network/rule.ts';
export type { SocketOptions, SockState, TcpInfo } from './runtime/network/sock.ts';
export { type Verdict, verdictName } from './runtime/packet.ts';
export { type NetPacket, PacketQueue } from './runtime/packet-queue.ts';
export {
  type PerfBufferOptions,
  type PerfBufferState,
  PerfEventArray,
  type PerfRecord,
} from './runtime/perf-event-array.ts';
export { Prog, type ProgStats, type RunOptions, type RunResult } from './runtime/prog.ts';
export { ProgArray } from './runtime/prog-array.ts';
export { Queue } from './runtime/queue.ts';
export type { Redirect } from './runtime/redirect.ts';
export { type RedirectEntry, RedirectMap } from './runtime/redirect-map.ts';
export { RingBuf } from './runtime/ringbuf.ts';
export type { RxMetadata } from './runtime/rx-metadata.ts';
export type { SkbMeta } from './runtime/skb.ts';
export { formatTraceLine } from './runtime/trace.ts';
export { describeViolation, type Violation } from './runtime/trap.ts';
export { UserRingBuf, type UserSample } from './runtime/user-ringbuf.ts';
export { type XskOptions, XskSocket } from './runtime/xsk.ts';
export { type Explanation, explain } from './verifier/explain.ts';
export type { AccessFact, Proof } from './verifier/proof.ts';
export type { VerifierStats } from './verifier/stats.ts';
export { upperHalves } from './verifier/upper-halves.ts';
export {
  isRefused,
  ProgRefused,
  type Verdict as ProgVerdict,
  type VerifiedProg,
  Verifier,
  type VerifierOptions,
  type VerifyOptions,
  verify,
} from './verifier/verify.ts';
