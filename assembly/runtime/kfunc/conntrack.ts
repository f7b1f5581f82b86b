// Kfuncs of connection tracking for XDP. What is wrong with a question goes to opts->error; the answer is then NULL.
//
// struct bpf_ct_opts: 0 netns_id s32 | 4 error s32 | 8 l4proto u8 | 9 dir u8 | 10 ct_zone_id u16 | 12 ct_zone_dir u8 | 13 reserved 3 bytes; 12 bytes
// in programs from before zones.

import { VM_HZ } from '../../abi';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NF_CONN_PERMANENT,
  NF_CONN_STATUS,
  NF_CONN_TIMEOUT,
  NF_CONN_USE,
  NF_CONN_ZONE,
} from '../../abi-net';
import { EAFNOSUPPORT, EBUSY, EINVAL, ENOENT, ENOMEM, ENONET, EPERM, EPROTO, ETIME } from '../../isa';
import { vm } from '../env';
import { jiffies64 } from '../helper/clock';
import { findConn, insertConn, newConn, putConn, tupleAt } from '../net/conntrack';
import { THREADS, threadRoom } from '../thread';

const OPTS: u32 = 16;
const OPTS_OLD: u32 = 12;
const ERROR: u32 = 4;
const PROTO: u32 = 8;
const DIR: u32 = 9;
const ZONE: u32 = 10;
const ZONE_DIR: u32 = 12;
/** NF_CT_DEFAULT_ZONE_DIR: what no direction becomes. */
const ZONE_BOTH: u32 = 3;

// enum ip_conntrack_status (linux/netfilter/nf_conntrack_common.h)
const IPS_EXPECTED: u32 = 1;
const IPS_SEEN_REPLY: u32 = 2;
const IPS_ASSURED: u32 = 4;
const IPS_CONFIRMED: u32 = 8;
const IPS_SRC_NAT: u32 = 0x10;
const IPS_DST_NAT: u32 = 0x20;
const IPS_SRC_NAT_DONE: u32 = 0x80;
const IPS_DST_NAT_DONE: u32 = 0x100;
const IPS_DYING: u32 = 0x200;
const IPS_FIXED_TIMEOUT: u32 = 0x400;
/** Bits that a change of status leaves alone. */
const IPS_UNCHANGEABLE: u32 = 0xdbf9;

/** Seconds that an allocated entry has unless the program says otherwise. */
const FIRST_TIMEOUT: u32 = 10;
const MAX_JIFFIES: u64 = 0x7fffffff;

const tupleRoom: u32 = THREADS ? threadRoom(40) : <u32>memory.data(40);

function ticks(): u32 {
  return <u32>jiffies64();
}

function ticksOf(milliseconds: u32): u32 {
  return <u32>min((<u64>milliseconds * load<u32>(vm, VM_HZ) + 999) / 1000, MAX_JIFFIES);
}

/** 0, or what is wrong with the question: sizes, then options, then protocol, then family, then namespace. */
function check(tupleSize: u32, opts: u32, optsSize: u32): i32 {
  if (optsSize != OPTS && optsSize != OPTS_OLD) return -EINVAL;
  if (optsSize == OPTS) {
    if (load<u16>(opts, 13) | load<u8>(opts, 15)) return -EINVAL;
  } else if (load<u16>(opts, ZONE)) return -EINVAL;
  const netns = load<i32>(opts);
  if (netns < -1) return -EINVAL;
  const proto = <u32>load<u8>(opts, PROTO);
  if (proto != IPPROTO_TCP && proto != IPPROTO_UDP) return -EPROTO;
  if (tupleSize != 12 && tupleSize != 36) return -EAFNOSUPPORT;
  if (netns < 0 && optsSize == OPTS && !load<u8>(opts, ZONE_DIR)) store<u8>(opts, ZONE_BOTH, ZONE_DIR);
  return netns >= 0 ? -ENONET : 0;
}

/** struct nf_conntrack_tuple out of struct bpf_sock_tuple, or the other direction's. */
function fill(to: u32, tuple: u32, size: u32, proto: u32, reply: bool): void {
  memory.fill(to, 0, 40);
  const isV4 = size == 12;
  const width: u32 = isV4 ? 4 : 16;
  const ports = tuple + 2 * width;
  memory.copy(to, reply ? tuple + width : tuple, width);
  memory.copy(to + 20, reply ? tuple : tuple + width, width);
  store<u16>(to, load<u16>(reply ? ports + 2 : ports), 16);
  store<u16>(to, load<u16>(reply ? ports : ports + 2), 36);
  store<u16>(to, isV4 ? AF_INET : AF_INET6, 18);
  store<u8>(to, proto, 38);
  store<u8>(to, reply ? 1 : 0, 39);
}

function refuse(opts: u32, optsSize: u32, error: i32): u64 {
  if (optsSize >= 8) store<i32>(opts, error, ERROR);
  return 0;
}

/** The zone that a lookup or a new entry is in; a zone for one direction only is not told apart. */
function zoneOf(opts: u32, optsSize: u32): u32 {
  return optsSize == OPTS ? <u32>load<u16>(opts, ZONE) : 0;
}

export function bpf_xdp_ct_alloc(_ctx: u64, tuple: u64, size: u64, options: u64, optionsSize: u64, _fp: u32): u64 {
  const opts = <u32>options;
  const optsSize = <u32>optionsSize;
  const error = check(<u32>size, opts, optsSize);
  if (error) return refuse(opts, optsSize, error);
  const ct = newConn();
  if (!ct) return refuse(opts, optsSize, -ENOMEM);
  const proto = <u32>load<u8>(opts, PROTO);
  fill(tupleAt(ct, 0), <u32>tuple, <u32>size, proto, false);
  fill(tupleAt(ct, 1), <u32>tuple, <u32>size, proto, true);
  store<u16>(ct, zoneOf(opts, optsSize), NF_CONN_ZONE);
  store<u32>(ct, FIRST_TIMEOUT * load<u32>(vm, VM_HZ), NF_CONN_TIMEOUT);
  return ct;
}

export function bpf_xdp_ct_lookup(_ctx: u64, tuple: u64, size: u64, options: u64, optionsSize: u64, _fp: u32): u64 {
  const opts = <u32>options;
  const optsSize = <u32>optionsSize;
  const error = check(<u32>size, opts, optsSize);
  if (error) return refuse(opts, optsSize, error);
  fill(tupleRoom, <u32>tuple, <u32>size, load<u8>(opts, PROTO), false);
  const at = findConn(tupleRoom, zoneOf(opts, optsSize), ticks());
  if (!at) return refuse(opts, optsSize, -ENOENT);
  const ct = at & ~1;
  store<u32>(ct, load<u32>(ct, NF_CONN_USE) + 1, NF_CONN_USE);
  store<u8>(opts, at & 1, DIR);
  return ct;
}

/** The entry's timeout was a span; in the table it is a time. */
export function bpf_ct_insert_entry(init: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const ct = <u32>init;
  const status = load<u32>(ct, NF_CONN_STATUS);
  const at = ticks();
  if (!(status & IPS_CONFIRMED)) store<u32>(ct, load<u32>(ct, NF_CONN_TIMEOUT) + at, NF_CONN_TIMEOUT);
  store<u32>(ct, status | IPS_CONFIRMED, NF_CONN_STATUS);
  if (!insertConn(ct)) {
    putConn(ct);
    return 0;
  }
  // One holder is the table, one the program.
  store<u32>(ct, 2, NF_CONN_USE);
  return ct;
}

export function bpf_ct_release(ct: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  if (<u32>ct) putConn(<u32>ct);
  return 0;
}

function setTimeout(ct: u32, span: u32): void {
  const isConfirmed = (load<u32>(ct, NF_CONN_STATUS) & IPS_CONFIRMED) != 0;
  store<u32>(ct, isConfirmed ? ticks() + span : span, NF_CONN_TIMEOUT);
  store<u32>(ct, 0, NF_CONN_PERMANENT);
}

export function bpf_ct_set_timeout(ct: u64, timeout: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  setTimeout(<u32>ct, ticksOf(<u32>timeout));
  return 0;
}

export function bpf_ct_change_timeout(ct: u64, timeout: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const status = load<u32>(<u32>ct, NF_CONN_STATUS);
  if (status & IPS_FIXED_TIMEOUT) return <u32>-EPERM;
  setTimeout(<u32>ct, ticksOf(<u32>timeout));
  return status & IPS_DYING ? <u32>-ETIME : 0;
}

/** Bits are only ever added; some may not change at all, some may not be taken back. */
function changeStatus(ct: u32, wanted: u32): i32 {
  const status = load<u32>(ct, NF_CONN_STATUS);
  const changed = status ^ wanted;
  if (changed & (IPS_EXPECTED | IPS_CONFIRMED | IPS_DYING)) return -EBUSY;
  if (changed & status & (IPS_SEEN_REPLY | IPS_ASSURED)) return -EBUSY;
  store<u32>(ct, status | (wanted & ~IPS_UNCHANGEABLE), NF_CONN_STATUS);
  return 0;
}

export function bpf_ct_set_status(ct: u64, status: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return <u32>changeStatus(<u32>ct, <u32>status);
}

export function bpf_ct_change_status(ct: u64, status: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return <u32>changeStatus(<u32>ct, <u32>status);
}

/** What replies are addressed to, or come from: the other end of the translation. `manip` 0 is the source, 1 the destination. */
export function bpf_ct_set_nat_info(init: u64, addr: u64, port: u64, manip: u64, _5: u64, _fp: u32): u64 {
  const ct = <u32>init;
  const isSource = <u32>manip == 0;
  const done = isSource ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE;
  const reply = tupleAt(ct, 1);
  memory.copy(tupleRoom, reply, 40);
  const end: u32 = isSource ? 20 : 0;
  memory.copy(reply + end, <u32>addr, load<u16>(reply, 18) == AF_INET ? 4 : 16);
  // What is above 16 bits is lost.
  if (<i32>port > 0) store<u16>(reply + end, bswap<u16>(<u16>port), 16);
  const changed = memory.compare(tupleRoom, reply, 40) != 0;
  const status = load<u32>(ct, NF_CONN_STATUS) | done | (changed ? (isSource ? IPS_SRC_NAT : IPS_DST_NAT) : 0);
  store<u32>(ct, status, NF_CONN_STATUS);
  return 0;
}
