// The border of the network's tables: records that TypeScript writes and the runtime reads. Integers are little-endian; addresses are bytes in
// network order, IPv4 in the first four of sixteen. Only un-annotated integer constants, as in abi.ts.

export const AF_INET = 2;
export const AF_INET6 = 10;

// struct NetDevice
// 0   ifindex      u32
// 4   mtu          u32
// 8   mac          6 bytes
// 16  forward4     u32  net.ipv4.conf.DEV.forwarding
// 20  forward6     u32
export const NET_DEV_IFINDEX = 0;
export const NET_DEV_MTU = 4;
export const NET_DEV_MAC = 8;
export const NET_DEV_FORWARD4 = 16;
export const NET_DEV_FORWARD6 = 20;
export const NET_DEV_SIZE = 24;

// struct NetAddress: an address of a device.
// 0   ifindex  u32
// 4   family   u32  AF_INET, AF_INET6
// 8   address  16 bytes
// 24  plen     u32
export const NET_ADDR_IFINDEX = 0;
export const NET_ADDR_FAMILY = 4;
export const NET_ADDR_ADDRESS = 8;
export const NET_ADDR_PLEN = 24;
export const NET_ADDR_SIZE = 28;

// struct NetRoute
// 0   family     u32
// 4   table      u32
// 8   dst        16 bytes
// 24  plen       u32
// 28  type       u32  RTN_*
// 32  metric     u32
// 36  tos        u32  IPv4: DSCP in the high six bits, 0 for any
// 40  ifindex    u32  0 where the type needs none
// 44  mtu        u32  0: the device's
// 48  flags      u32  NET_ROUTE_*
// 52  viaFamily  u32  0: on link
// 56  via        16 bytes
// 72  src        16 bytes, where NET_ROUTE_SRC says so
export const NET_ROUTE_FAMILY = 0;
export const NET_ROUTE_TABLE = 4;
export const NET_ROUTE_DST = 8;
export const NET_ROUTE_PLEN = 24;
export const NET_ROUTE_TYPE = 28;
export const NET_ROUTE_METRIC = 32;
export const NET_ROUTE_TOS = 36;
export const NET_ROUTE_IFINDEX = 40;
export const NET_ROUTE_MTU = 44;
export const NET_ROUTE_FLAGS = 48;
export const NET_ROUTE_VIA_FAMILY = 52;
export const NET_ROUTE_VIA = 56;
export const NET_ROUTE_SRC_ADDR = 72;
export const NET_ROUTE_SIZE = 88;
/** The mtu is locked (`mtu lock N`): of IPv4 routes, only that counts for what is forwarded. */
export const NET_ROUTE_MTU_LOCK = 1;
export const NET_ROUTE_HAS_SRC = 2;
/** It has a lightweight tunnel (`encap`). */
export const NET_ROUTE_ENCAP = 4;

// enum rtnetlink route types (linux/rtnetlink.h)
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;

export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

// struct NetRule: a line of `ip rule`. A field of 0 is any.
// 0   family    u32
// 4   priority  u32
// 8   action    u32  FR_ACT_*
// 12  table     u32
// 16  from      16 bytes
// 32  fromLen   u32
// 36  to        16 bytes
// 52  toLen     u32
// 56  iif       u32
// 60  oif       u32
// 64  mark      u32
// 68  markMask  u32
// 72  tos       u32
// 76  proto     u32
// 80  sportLow  u32
// 84  sportHigh u32
// 88  dportLow  u32
// 92  dportHigh u32
// 96  invert    u32
export const NET_RULE_FAMILY = 0;
export const NET_RULE_PRIORITY = 4;
export const NET_RULE_ACTION = 8;
export const NET_RULE_TABLE = 12;
export const NET_RULE_FROM = 16;
export const NET_RULE_FROM_LEN = 32;
export const NET_RULE_TO = 36;
export const NET_RULE_TO_LEN = 52;
export const NET_RULE_IIF = 56;
export const NET_RULE_OIF = 60;
export const NET_RULE_MARK = 64;
export const NET_RULE_MARK_MASK = 68;
export const NET_RULE_TOS = 72;
export const NET_RULE_PROTO = 76;
export const NET_RULE_SPORT_LOW = 80;
export const NET_RULE_SPORT_HIGH = 84;
export const NET_RULE_DPORT_LOW = 88;
export const NET_RULE_DPORT_HIGH = 92;
export const NET_RULE_INVERT = 96;
export const NET_RULE_SIZE = 100;
export const FR_ACT_TO_TBL = 1;
export const FR_ACT_BLACKHOLE = 6;
export const FR_ACT_UNREACHABLE = 7;
export const FR_ACT_PROHIBIT = 8;

// struct NetNeighbour
// 0   ifindex  u32
// 4   family   u32
// 8   address  16 bytes
// 24  mac      6 bytes
export const NET_NEIGH_IFINDEX = 0;
export const NET_NEIGH_FAMILY = 4;
export const NET_NEIGH_ADDRESS = 8;
export const NET_NEIGH_MAC = 24;
export const NET_NEIGH_SIZE = 32;

// struct NetSock: `struct bpf_sock` (linux/bpf.h) literally, which programs read, and `struct bpf_tcp_sock` at NET_SOCK_TCP; the rest is the engine's.
// 0    struct bpf_sock      80 bytes
// 80   flags           u32  NET_SOCK_*
// 84   overflow        u64  ns: when SYN cookies were last given out because its queue was full; 0 never
// 96   struct bpf_tcp_sock  112 bytes
// 208  id              u32  the engine's, from 1
export const BPF_SOCK_BOUND_DEV_IF = 0;
export const BPF_SOCK_FAMILY = 4;
export const BPF_SOCK_TYPE = 8;
export const BPF_SOCK_PROTOCOL = 12;
export const BPF_SOCK_MARK = 16;
export const BPF_SOCK_PRIORITY = 20;
export const BPF_SOCK_SRC_IP4 = 24;
export const BPF_SOCK_SRC_IP6 = 28;
export const BPF_SOCK_SRC_PORT = 44;
export const BPF_SOCK_DST_PORT = 48;
export const BPF_SOCK_DST_IP4 = 52;
export const BPF_SOCK_DST_IP6 = 56;
export const BPF_SOCK_STATE = 72;
export const BPF_SOCK_RX_QUEUE = 76;
export const BPF_SOCK_SIZE = 80;
export const NET_SOCK_FLAGS = 80;
export const NET_SOCK_OVERFLOW = 84;
export const NET_SOCK_TCP = 96;
export const BPF_TCP_SOCK_SIZE = 112;
export const NET_SOCK_ID = 208;
export const NET_SOCK_SIZE = 212;
/** An IPv6 socket that takes no IPv4. */
export const NET_SOCK_V6ONLY = 1;
/** A listener whose queue of half-open connections is full. */
export const NET_SOCK_SYN_FULL = 2;

export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const TCP_ESTABLISHED = 1;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE = 7;
export const TCP_LISTEN = 10;
export const TCP_NEW_SYN_RECV = 12;

// struct nf_conn as Linux 6.18 lays it out on 64-bit machines, as far as programs read it.
// 0    use        u32
// 8    timeout    u32  in ticks: when it ends, or before it is in the table, how long it will be there
// 12   zone       u16
// 32   tuple      40 bytes, NF_TUPLE_*: of the original direction; that of replies is NF_CONN_TUPLE_STRIDE further
// 128  status     u64  IPS_*
// 168  mark       u32
// 240  permanent  u32  the engine's: it does not end (inside the kernel's `proto`, which programs do not read)
export const NF_CONN_USE = 0;
export const NF_CONN_TIMEOUT = 8;
export const NF_CONN_ZONE = 12;
export const NF_CONN_TUPLE = 32;
export const NF_CONN_TUPLE_STRIDE = 56;
export const NF_CONN_STATUS = 128;
export const NF_CONN_MARK = 168;
export const NF_CONN_PERMANENT = 240;
export const NF_CONN_SIZE = 248;
// struct nf_conntrack_tuple; ports in network order.
export const NF_TUPLE_SRC = 0;
export const NF_TUPLE_SPORT = 16;
export const NF_TUPLE_FAMILY = 18;
export const NF_TUPLE_DST = 20;
export const NF_TUPLE_DPORT = 36;
export const NF_TUPLE_PROTO = 38;
export const NF_TUPLE_DIR = 39;
export const NF_TUPLE_SIZE = 40;
