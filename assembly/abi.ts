// THE border: everything that compiled programs, the AssemblyScript runtime and TypeScript must agree on.
// Only un-annotated integer constants (compiles under asc and tsc). Offsets are bytes, little-endian.
//
// One linear memory:
//
//   0        64 Ki      68 Ki            256 Ki            ...
//   | page 0 | VM state | BPF stack      | runtime data     | heap: maps, packets, batches, trace, statistics
//   | never  | struct Vm| 376 frames     | (asc memoryBase) | (TLSF allocator of the runtime)
//   | handed |          | grows downward |                  |
//   | out    |
//
// NULL and small offsets from it therefore hit nothing that was ever given to a program.

export const VM_BASE = 65536;
export const VM_SIZE = 4096;
/** Bottom of the BPF stack: right behind the VM state. */
export const STACK_BASE = 69632;
/** R10 of the first frame. Frames are MAX_BPF_STACK bytes each, callee below caller. */
export const STACK_TOP = 262144;
/** Where the runtime's static data starts; `memoryBase` in asconfig.json. */
export const RUNTIME_BASE = 262144;

// struct Vm: the state of one thread of execution, at the address in the imported global `env.vm`.
// 0   ctx          u32  context record of the packet being processed
// 4   tailCount    u32  tail calls taken in this invocation (MAX_TAIL_CALL_CNT at most)
// 8   budget       i32  insns left to this invocation: back edges subtract, below zero is a violation
// 12  budgetLimit  i32  what budget starts from for each packet
// 16  trap         struct Trap, 32 bytes: the violation that ended an invocation
// 48  time         u64  ns: what bpf_ktime_get_ns returns when the context carries no time of its own
// 56  prng         u64  state of bpf_get_prandom_u32
// 64  cpu          u32  what bpf_get_smp_processor_id returns
// 68  traceOn      u32  someone listens to trace_printk
// 72  traceBase    u32  trace buffer: struct TraceRecord one behind the other
// 76  traceSize    u32  bytes of the buffer
// 80  traceUsed    u32  bytes used
// 84  frameTop     u32  STACK_TOP of this thread
// 88  batchBase    u32  first context record of the batch being run
// 92  batchEnd     u32  end of its records: a running loop stops here, so that what is due can be done before it goes on
// 96  dropped      u32  objects were dropped whose memory waits for the end of the batch
// 104 async        u32  timers that are armed and work that is queued
// 108 batchScanned u32  the batch's times are known to the timers; 0 from the batch's start on
// 112 mayWait      u32  this thread may sleep until a lock is free
// 116 heldLock     u32  address of the bpf_spin_lock that the running program holds, with several threads; 0 for none
// 128 hz           u32  ticks a second: what jiffies count
// 136 taiOffset    u64  ns that bpf_ktime_get_tai_ns is ahead of bpf_ktime_get_ns
// 144 pidTgid      u64  the current task, as the helpers give it: tgid << 32 | pid
// 152 uidGid       u64  gid << 32 | uid
// 160 comm         16 bytes: its name
// 176 cgroupLevels u32  how many ids follow
// 184 cgroupIds    u64 each: its control group's ancestors from the root on, then its own; MAX_CGROUP_LEVELS at most
// 448 rxMetadata   struct RxMetadata, 24 bytes: what the network card says of the packet beside its bytes
// 1024 scratch     what the runtime writes while it works, with several threads: up to VM_SIZE
export const VM_CTX = 0;
export const VM_TAIL_COUNT = 4;
export const VM_BUDGET = 8;
export const VM_BUDGET_LIMIT = 12;
export const VM_TRAP = 16;
export const VM_TIME = 48;
export const VM_PRNG = 56;
export const VM_CPU = 64;
export const VM_TRACE_ON = 68;
export const VM_TRACE_BASE = 72;
export const VM_TRACE_SIZE = 76;
export const VM_TRACE_USED = 80;
export const VM_FRAME_TOP = 84;
export const VM_BATCH_BASE = 88;
export const VM_BATCH_END = 92;
export const VM_DROPPED = 96;
export const VM_ASYNC = 104;
export const VM_BATCH_SCANNED = 108;
export const VM_MAY_WAIT = 112;
export const VM_HELD_LOCK = 116;
export const VM_HZ = 128;
export const VM_TAI_OFFSET = 136;
export const VM_PID_TGID = 144;
export const VM_UID_GID = 152;
export const VM_COMM = 160;
export const VM_CGROUP_LEVELS = 176;
export const VM_CGROUP_IDS = 184;
/** Deepest control group that is told of. */
export const MAX_CGROUP_LEVELS = 32;
export const VM_RX_METADATA = 448;
export const VM_SCRATCH = 1024;

// struct RxMetadata
// 0   flags      u32  RX_*: what is known
// 4   hash       u32
// 8   timestamp  u64  ns
// 16  hashType   u32  XDP_RSS_* bits
// 20  vlanProto  u16  network order
// 22  vlanTci    u16
export const RX_FLAGS = 0;
export const RX_HASH = 4;
export const RX_TIMESTAMP = 8;
export const RX_HASH_TYPE = 16;
export const RX_VLAN_PROTO = 20;
export const RX_VLAN_TCI = 22;
export const RX_SIZE = 24;
/** The card tells of packets at all. */
export const RX_TOLD = 1;
export const RX_HAS_TIMESTAMP = 2;
export const RX_HAS_HASH = 4;
export const RX_HAS_VLAN = 8;
/** The time of the packet's context is when it was received. */
export const RX_PACKET_TIME = 16;
/** Ticks a second of an engine unless its options say otherwise (CONFIG_HZ). */
export const DEFAULT_HZ = 250;

// struct Trap
// 0   code   u32  TRAP_*
// 4   prog   u32  program id
// 8   pc     u32  slot in the linked program
// 12  size   u32  bytes of the access
// 16  addr   u64  address of the access, as the program had it
// 24  write  u32  1 for a store
export const TRAP_CODE = 0;
export const TRAP_PROG = 4;
export const TRAP_PC = 8;
export const TRAP_SIZE = 12;
export const TRAP_ADDR = 16;
export const TRAP_WRITE = 24;

export const TRAP_NONE = 0;
/** A load or store outside what the program was given. */
export const TRAP_ACCESS = 1;
/** The instruction budget is used up. */
export const TRAP_BUDGET = 2;
/** A helper's pointer argument is outside what the program was given, or not a map. */
export const TRAP_ARGUMENT = 3;
/** No violation: bpf_throw, whose cookie is the address. */
export const TRAP_THROW = 4;

/** Insns an invocation may take before it counts as endless; about a tenth of a second. */
export const DEFAULT_INSN_BUDGET = 134217728;
/** The most it may be set to: sums of that many 32-bit numbers do not reach 2^62, which checks of packet pointers rely on. */
export const MAX_INSN_BUDGET = 1073741824;

// struct XdpCtx: `struct xdp_md` (linux/bpf.h) literally, then what only the engine sees. 64 bytes: one cache line.
// 0   data             u32  address of the first byte of the packet
// 4   data_end         u32  address behind its last byte
// 8   data_meta        u32  address of the metadata, <= data
// 12  ingress_ifindex  u32
// 16  rx_queue_index   u32
// 20  egress_ifindex   u32
// 24  hardStart        u32  lowest address data_meta may take (the headroom's start)
// 28  hardEnd          u32  highest address data_end may take
// 32  time             u64  ns: bpf_ktime_get_ns during this packet; 0 means vm.time
// 40  verdict          u32  low half of R0, written when the program is done
// 44  redirectIfindex  u32  of bpf_redirect; after bpf_redirect_map the map's address
// 48  redirectFlags    u32  after bpf_redirect_map the key
// 52  status           u32  CTX_* bits
// 56  cut              u32  bytes that the packet had on the wire beyond those that were captured
// 60  skb              u32  address of the packet's struct Skb, for programs that see a struct __sk_buff; 0 for XDP
//     frags            u32  address of the packet's struct Frags, when status has CTX_STATUS_FRAGS: a packet in several buffers
export const XDP_MD_DATA = 0;
export const XDP_MD_DATA_END = 4;
export const XDP_MD_DATA_META = 8;
export const XDP_MD_INGRESS_IFINDEX = 12;
export const XDP_MD_RX_QUEUE_INDEX = 16;
export const XDP_MD_EGRESS_IFINDEX = 20;
/** Bytes of the context a program may read. */
export const XDP_MD_SIZE = 24;
export const CTX_HARD_START = 24;
export const CTX_HARD_END = 28;
export const CTX_TIME = 32;
export const CTX_VERDICT = 40;
export const CTX_REDIRECT_IFINDEX = 44;
export const CTX_REDIRECT_FLAGS = 48;
export const CTX_STATUS = 52;
export const CTX_CUT = 56;
export const CTX_SKB = 60;
export const CTX_FRAGS = 60;
/** Stride of a batch. */
export const CTX_SIZE = 64;

// struct Skb: `struct __sk_buff` (linux/bpf.h) literally, 192 bytes, then what only the engine sees. `data` is where LD_ABS counts from; the
// packet's first byte, its link header, is the record's `data`.
// 0   len              u32  bytes from `data` to the packet's end, on the wire
// 4   pkt_type         u32
// 8   mark             u32
// 12  queue_mapping    u32
// 16  protocol         u32  network order
// 20  vlan_present     u32
// 24  vlan_tci         u32
// 28  vlan_proto       u32  network order
// 32  priority         u32
// 36  ingress_ifindex  u32
// 40  ifindex          u32
// 48  cb               20 bytes, which programs may write
// 68  hash             u32
// 76  data             u32  address
// 80  data_end         u32  address
// 192 network          u32  address of the network header
export const SKB_LEN = 0;
export const SKB_PKT_TYPE = 4;
export const SKB_MARK = 8;
export const SKB_QUEUE_MAPPING = 12;
export const SKB_PROTOCOL = 16;
export const SKB_VLAN_PRESENT = 20;
export const SKB_VLAN_TCI = 24;
export const SKB_VLAN_PROTO = 28;
export const SKB_PRIORITY = 32;
export const SKB_INGRESS_IFINDEX = 36;
export const SKB_IFINDEX = 40;
export const SKB_CB = 48;
export const SKB_CB_END = 68;
export const SKB_HASH = 68;
export const SKB_DATA = 76;
export const SKB_DATA_END = 80;
/** Bytes of the context a program may read. */
export const SK_BUFF_SIZE = 192;
export const SKB_NETWORK = 192;
/** In cache lines. */
export const SKB_SIZE = 256;

/** The invocation ended in a violation; the verdict is XDP_ABORTED. */
export const CTX_STATUS_VIOLATION = 1;
/** The packet is in several buffers: data to data_end, the linear part, then those of its struct Frags, of which there may be none left. */
export const CTX_STATUS_FRAGS = 2;

// struct Frags: what of a packet is behind its linear part.
// 0   count     u32
// 4   size      u32  bytes in all of them
// 8   frags     count times  { 0 addr u32, 4 size u32, 8 room u32: what of the buffer can be used from addr on }
export const FRAGS_COUNT = 0;
export const FRAGS_SIZE = 4;
export const FRAGS_LIST = 8;
export const FRAG_ADDR = 0;
export const FRAG_LENGTH = 4;
export const FRAG_ROOM = 8;
export const FRAG_SIZE = 12;
/** A buffer behind the linear part: a page. */
export const FRAG_BUFFER = 4096;
/** bpf_redirect_map chose the target: the record has the map and the key. */
export const CTX_STATUS_REDIRECT_MAP = 4;
/** To every entry of the map; the number of BPF_F_BROADCAST. */
export const CTX_STATUS_BROADCAST = 8;
/** But not back to where it came from; the number of BPF_F_EXCLUDE_INGRESS. */
export const CTX_STATUS_EXCLUDE_INGRESS = 16;

/** Free bytes in front of a packet, as Linux gives XDP programs. */
export const XDP_PACKET_HEADROOM = 256;
/** Of them Linux keeps these for itself (struct xdp_frame): a frame's hardStart is that much above its first byte. */
export const XDP_FRAME_HEADER = 40;
/** A frame is a page unless the packet needs more: hardEnd is this much above its first byte, less XDP_TAILROOM. */
export const XDP_FRAME_SIZE = 4096;
/** Largest room for metadata and its granularity. */
export const XDP_META_MAX = 255;
/** Room behind the packet: skb_shared_info is kept free by Linux in a 4 KiB frame. */
export const XDP_TAILROOM = 320;
/** Where a packet that fits a frame must end: less head room and less what Linux keeps behind. */
export const XDP_LINEAR_MAX = 3520;
/** A context field of XDP_ABORTED..XDP_REDIRECT counts under its number; everything else here. */
export const VERDICT_OTHER = 5;

// struct Map: 128 bytes, then (array kinds) the elements or (prog array) the mirror of program ids.
// A map's address is what `ld_imm64` of a map gives, zero-extended.
// 0   type        u32  BPF_MAP_TYPE_*
// 4   keySize     u32
// 8   valueSize   u32
// 12  maxEntries  u32
// 16  flags       u32  BPF_F_*
// 20  id          u32  unique in its engine, from 1
// 24  data        u32  address of the first element (array, prog array: address + MAP_DATA)
// 28  stride      u32  bytes from one element to the next
// 32  count       u32  elements held (hash)
// 36  cpuStride   u32  bytes from one CPU's copy to the next (per-CPU kinds)
// 40  tableBase   u32  first slot in the shared function table (prog array)
// 44  progType    u32  program type every slot of a prog array must have; 0 until the first one is set
// 48  next        u32  next map of the engine, 0 at the end: what checked accesses search
// 52  end         u32  address behind the last byte of data
// 56  impl        u32  private to the implementation (hash: buckets)
// 60  impl2       u32  private (hash: free list)
// 64  fields      u32  address of its struct MapFields: the special fields of a value (lock, timer, kptr, ...); 0 for none
// 68  extra       u32  map_extra of BPF_MAP_CREATE
// 72              56 bytes that are private to the implementation
export const MAP_TYPE = 0;
export const MAP_KEY_SIZE = 4;
export const MAP_VALUE_SIZE = 8;
export const MAP_MAX_ENTRIES = 12;
export const MAP_FLAGS = 16;
export const MAP_ID = 20;
export const MAP_DATA_PTR = 24;
export const MAP_STRIDE = 28;
export const MAP_COUNT = 32;
export const MAP_CPU_STRIDE = 36;
export const MAP_TABLE_BASE = 40;
export const MAP_PROG_TYPE = 44;
export const MAP_NEXT = 48;
export const MAP_END = 52;
export const MAP_IMPL = 56;
export const MAP_IMPL2 = 60;
export const MAP_FIELDS = 64;
export const MAP_EXTRA = 68;
export const MAP_PRIVATE = 72;
/** Arena: u64, where user space has it (user_vm_start); u32, address of a byte for each page that says whether it is there. */
export const ARENA_USER_START = 72;
export const ARENA_PAGES = 80;
/** Where user space has an arena that names no place itself (map_extra). */
export const ARENA_DEFAULT_HIGH = 32512;
export const ARENA_DEFAULT_LOW = 268435456;
export const ARENA_PAGE_SIZE = 4096;
/** Size of struct Map, and the offset of an array's first element or of a prog array's mirror. */
export const MAP_DATA = 128;

// What compiled code knows of a ring buffer where one thread uses it; map/ringbuf.ts says what these are. u64 each, and the mask u32.
export const RING_CONSUMER = 72;
export const RING_PRODUCER = 80;
export const RING_PENDING = 88;
export const RING_MASK = 104;

// What compiled code knows of a hash where one thread uses it; map/hash-table.ts draws all of it.
/** u32: buckets less one; u64 each: what the words of a key are multiplied by; u32 each: the first element of a bucket, or 0. */
export const HASH_MASK = 128;
export const HASH_NUMBERS = 192;
export const HASH_BUCKETS = 320;
/** In an element: its key. */
export const HASH_ELEMENT_KEY = 8;
/** In front of an element of an LRU kind, counted backwards: u8, 1 when a program has looked it up. */
export const HASH_LRU_MARK = 3;

// struct MapFields: what in a map's value is special, at MAP_FIELDS of the map. 16 bytes, then `count` struct MapField, 32 bytes each, by offset.
// 0   count       u32
// 4   kinds       u32  FIELD_* of all of them (assembly/verifier/abi/input.ts)
// 8   userGone    u32  no user holds the map any more: it has no timers
// struct MapField
// 0   offset      u32  in the value
// 4   size        u32
// 8   kind        u32  FIELD_*
// 12  nodeOffset  u32  list head, tree root: where in an element its node is
// 16  elementSize u32  list head, tree root: bytes of an element
// 20              12 bytes for those who know the kind
export const MAP_FIELDS_COUNT = 0;
export const MAP_FIELDS_KINDS = 4;
export const MAP_FIELDS_USER_GONE = 8;
export const MAP_FIELDS_HEADER = 16;
export const MAP_FIELD_OFFSET = 0;
export const MAP_FIELD_SIZE = 4;
export const MAP_FIELD_KIND = 8;
export const MAP_FIELD_NODE_OFFSET = 12;
export const MAP_FIELD_ELEMENT_SIZE = 16;
export const MAP_FIELDS_STRIDE = 32;

/** Possible CPUs of an engine unless its options say otherwise. */
export const DEFAULT_CPUS = 1;
export const MAX_CPUS = 256;

// struct Dynptr: `struct bpf_dynptr_kern` of Linux, in the 16 bytes that a program keeps as a `struct bpf_dynptr`. All zero when it stands for nothing.
// 0   data    u64  address of the memory; of the context record for a packet
// 8   size    u32  bytes in bits 0 to 23, DYNPTR_TYPE_* in bits 28 to 30, bit 31: it may only be read
// 12  offset  u32  where in `data` it begins
export const DYNPTR_DATA = 0;
export const DYNPTR_SIZE_WORD = 8;
export const DYNPTR_OFFSET = 12;
export const DYNPTR_SIZE_MASK = 0xffffff;
export const DYNPTR_TYPE_SHIFT = 28;
export const DYNPTR_TYPE_MASK = 7;
export const DYNPTR_RDONLY_SHIFT = 31;
/** Bytes of a struct Dynptr. */
export const DYNPTR_BYTES = 16;
export const DYNPTR_TYPE_LOCAL = 1;
export const DYNPTR_TYPE_RINGBUF = 2;
export const DYNPTR_TYPE_SKB = 3;
export const DYNPTR_TYPE_XDP = 4;
// Entries of redirect maps, 8 bytes each. An empty one is zeros.
// devmap  0 ifindex u32 | 4 program id u32, 0 for none        (struct bpf_devmap_val)
// cpumap  0 qsize   u32 | 4 program id u32, 0 for none        (struct bpf_cpumap_val)
// xskmap  0 queue   u32 | 4 number of the socket, from 1 on   (struct bpf_xdp_sock)
export const REDIRECT_TARGET = 0;
export const REDIRECT_PROG = 4;
export const REDIRECT_SOCKET = 4;
export const REDIRECT_ENTRY_SIZE = 8;
/** The longest queue of a cpumap's entry. */
export const CPUMAP_MAX_QUEUE = 16384;
/** The most entries of a cpumap: the CPUs that Linux is built for. */
export const CPUMAP_MAX_ENTRIES = 8192;

// struct NetDevice: what helpers ask of a device.
// 0   ifindex  u32
// 4   mtu      u32  without the Ethernet header
export const DEVICE_IFINDEX = 0;
export const DEVICE_MTU = 4;
export const DEVICE_SIZE = 8;

// Statistics of one program, u64 each: runs, then for each tail-call site `taken` and `missed`.
export const STATS_RUNS = 0;
export const STATS_SITES = 8;
export const STATS_SITE_SIZE = 16;
export const STATS_SITE_TAKEN = 0;
export const STATS_SITE_MISSED = 8;

// struct TraceRecord: one trace_printk line.
// 0   size    u32  bytes of the whole record, a multiple of 8
// 4   length  u32  bytes of the text
// 8   time    u64  ns
// 16  cpu     u32
// 20  ctx     u32  context record of the packet
// 24  text
export const TRACE_SIZE = 0;
export const TRACE_LENGTH = 4;
export const TRACE_TIME = 8;
export const TRACE_CPU = 16;
export const TRACE_CTX = 20;
export const TRACE_TEXT = 24;
/** Longest line bpf_trace_printk writes (MAX_TRACE_PRINTK... 1024 bytes with the NUL). */
export const TRACE_LINE_MAX = 1024;
/** Size of the trace buffer an engine allocates when tracing is first switched on. */
export const TRACE_BUFFER_SIZE = 262144;

// struct CaptureWalk: what a walk over a piece of a capture is told, and what it says besides the number of packets.
// 0   consumed  u32  bytes of the records that were taken
// 4   error     u32  PCAP_*: why the record behind them was not; PCAP_OK when there was only not enough of it
// 8   shift     u64  in: is added to the time stamps, but to those that are 0
// 16  latest    u64  in and out: the largest time stamp so far
// 24  bytes     u32  of the packets that were taken
export const WALK_CONSUMED = 0;
export const WALK_ERROR = 4;
export const WALK_SHIFT = 8;
export const WALK_LATEST = 16;
export const WALK_BYTES = 24;
export const WALK_SIZE = 32;
export const PCAP_OK = 0;
/** A captured length above PCAP_MAX_SNAPLEN: damage, not data. */
export const PCAP_ERROR_LENGTH = 1;
/** Flags of a walk: the other byte order, nanosecond fractions. */
export const PCAP_SWAP = 1;
export const PCAP_NANO = 2;
/** Bytes in front of a packet: of a record's header in pcap, of a block in pcapng. */
export const PCAP_RECORD_HEADER = 16;
/** Interfaces of a pcapng section that the walk knows: for each a u32, ns in a unit of its time stamps or 0 for one whose packets are not for it. */
export const PCAPNG_WALK_INTERFACES = 64;

// struct Gather: where records for an output go, and how far they got.
// 0   used     u32  in and out: bytes of the area that are filled
// 4   packets  u32  in and out: how many were written
export const GATHER_USED = 0;
export const GATHER_PACKETS = 4;
export const GATHER_SIZE = 8;

// struct Piece: a part of a capture on its way through several threads. One of them fills it, sorts its packets by the CPUs that run them, and every CPU runs
// its own. In front of each packet's bytes lies what is known of it: the pcap record's header, which the sort turns into
//   struct PieceRecord  0 time u64 ns, 0 for none | 8 captured length u32 | 12 length on the wire u32
// 0   count    u32
// 4   error    u32  PCAP_*: why the record behind the last one was not taken
// 8   next     u32  address of that record
// 16  bytes    u64  captured bytes of all packets
// 24  latest   u64  the latest time
// 32  shift    u64  what is added to times
// 40  packets  u32  address: addresses of the packets' bytes in the order of the capture, u32
// 44  cpus     u32  address: the CPU of each, u8
// 48  sorted   u32  address: the same addresses by CPU, and for one CPU in the order of the capture
// 52  places   u32  address: which packet of the piece each of these is, u32
// 56  starts   u32  address: where each CPU's begin, u32, and behind them where the last one's end
export const PIECE_COUNT = 0;
export const PIECE_ERROR = 4;
export const PIECE_NEXT = 8;
export const PIECE_BYTES = 16;
export const PIECE_LATEST = 24;
export const PIECE_SHIFT = 32;
export const PIECE_PACKETS = 40;
export const PIECE_CPUS = 44;
export const PIECE_SORTED = 48;
export const PIECE_PLACES = 52;
export const PIECE_STARTS = 56;
export const PIECE_HEADER = 64;
export const PIECE_RECORD_TIME = 0;
export const PIECE_RECORD_LENGTH = 8;
export const PIECE_RECORD_WIRE = 12;
export const PIECE_RECORD_SIZE = 16;
/** Flag of a sort: what lies in front of the packets are pcap's headers. */
export const PCAP_HEADERS = 4;
/** Tables of receive-side scaling: 256 words for each byte of the largest flow, two IPv6 addresses and ports; two masks of 64 bytes behind them. */
export const RSS_BYTES = 36;
export const RSS_TABLES_SIZE = 36992;
/** The longest packet a record may hold, as in libpcap (MAXIMUM_SNAPLEN). */
export const PCAP_MAX_SNAPLEN = 262144;
/** No place where records may begin. */
export const PCAP_GUESS_NONE = 0xffffffff;
