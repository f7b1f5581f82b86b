/**
 * `struct xdp_md` as BPF_PROG_TEST_RUN takes it in ctx_in and gives it in ctx_out. Its words are offsets into the data:
 *
 *     data 0..data  metadata | data..data_end  packet; what is behind is in fragments | data_meta 0 | ingress_ifindex | rx_queue_index | egress_ifindex 0
 */
import {
  XDP_LINEAR_MAX,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
  XDP_MD_EGRESS_IFINDEX,
  XDP_MD_INGRESS_IFINDEX,
  XDP_MD_RX_QUEUE_INDEX,
  XDP_MD_SIZE,
} from '../../assembly/abi.ts';
import { RunError } from '../errors/index.ts';
import { viewOf } from '../util/bytes.ts';

/** Room in front of a packet that metadata can have. */
const META_ROOM = 216;
const ETH_HLEN = 14;

export interface CtxIn {
  /** Bytes of the data that are metadata. */
  readonly metadata: number;
  readonly ingressIfindex: number;
  readonly rxQueueIndex: number;
  /** Bytes of the packet in front of its fragments, where data_end says so. */
  readonly linear?: number;
}

function refuse(field: string, detail: string): never {
  throw new RunError('RUN_CTX', { field, detail: `${detail}: EINVAL` });
}

/** Checks a context as the kernel does; a shorter one is filled with zeros, a longer one must end in zeros. */
export function parseCtx(bytes: Uint8Array, dataSize: number): CtxIn {
  if (bytes.subarray(XDP_MD_SIZE).some((byte) => byte !== 0)) {
    refuse('size', `${bytes.length} bytes that do not end in zeros, and struct xdp_md has ${XDP_MD_SIZE}`);
  }
  const whole = new Uint8Array(XDP_MD_SIZE);
  whole.set(bytes.subarray(0, XDP_MD_SIZE));
  const view = viewOf(whole);
  const word = (offset: number) => view.getUint32(offset, true);
  const [data, end] = [word(XDP_MD_DATA), word(XDP_MD_DATA_END)];
  if (word(XDP_MD_DATA_META) !== 0) refuse('data_meta', `${word(XDP_MD_DATA_META)}, where 0 is expected`);
  if (word(XDP_MD_EGRESS_IFINDEX) !== 0)
    refuse('egress_ifindex', `${word(XDP_MD_EGRESS_IFINDEX)}, where 0 is expected`);
  if (data > end) refuse('data', `${data} lies behind data_end, ${end}`);
  if (end > dataSize) refuse('data_end', `${end} lies behind the ${dataSize} bytes of data`);
  if (data % 4 !== 0 || data > META_ROOM)
    refuse('data', `${data} bytes of metadata; a multiple of 4, at most ${META_ROOM}`);
  if (dataSize - data < ETH_HLEN)
    refuse('data', `${dataSize - data} bytes of packet are left, and ${ETH_HLEN} are needed`);
  const [ingressIfindex, rxQueueIndex] = [word(XDP_MD_INGRESS_IFINDEX), word(XDP_MD_RX_QUEUE_INDEX)];
  if (ingressIfindex === 0 && rxQueueIndex !== 0) {
    refuse('rx_queue_index', `${rxQueueIndex} without an ingress_ifindex`);
  }
  const linear = end < dataSize ? { linear: Math.min(end - data, XDP_LINEAR_MAX) } : {};
  return { metadata: data, ingressIfindex, rxQueueIndex, ...linear };
}

/** The context after a run: `data` is the metadata's length, `data_end` that of data_out without fragments. */
export function encodeCtx(ctx: CtxIn, dataEnd: number): Uint8Array {
  const bytes = new Uint8Array(XDP_MD_SIZE);
  const view = viewOf(bytes);
  view.setUint32(XDP_MD_DATA, ctx.metadata, true);
  view.setUint32(XDP_MD_DATA_END, dataEnd, true);
  view.setUint32(XDP_MD_INGRESS_IFINDEX, ctx.ingressIfindex, true);
  view.setUint32(XDP_MD_RX_QUEUE_INDEX, ctx.rxQueueIndex, true);
  return bytes;
}
