/**
 * Context records and the frames behind them: where packets lie while programs run.
 *
 *     frame: | 40 reserved | headroom 216 | packet ... | room to grow, to 3520 bytes of packet |
 *
 * One record is `struct XdpCtx` (assembly/abi.ts).
 */
import {
  CTX_CUT,
  CTX_HARD_END,
  CTX_HARD_START,
  CTX_REDIRECT_FLAGS,
  CTX_REDIRECT_IFINDEX,
  CTX_SIZE,
  CTX_SKB,
  CTX_STATUS,
  CTX_TIME,
  CTX_VERDICT,
  XDP_FRAME_HEADER,
  XDP_LINEAR_MAX,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
  XDP_MD_EGRESS_IFINDEX,
  XDP_MD_INGRESS_IFINDEX,
  XDP_MD_RX_QUEUE_INDEX,
  XDP_PACKET_HEADROOM,
} from '../../assembly/abi.ts';

/** What the user may set of `struct xdp_md`. */
export interface XdpMeta {
  readonly ingressIfindex?: number;
  readonly rxQueueIndex?: number;
  readonly egressIfindex?: number;
}

/** Where a packet lies and what belongs to it. */
export interface FrameLayout extends XdpMeta {
  readonly data: number;
  readonly dataEnd: number;
  readonly dataMeta: number;
  readonly hardStart: number;
  readonly hardEnd: number;
  readonly timeNs: bigint;
  readonly wireLength: number;
  /** Address of its struct Skb, for programs that see one. */
  readonly skb?: number;
}

/** Bytes a frame needs for a packet of `length`, in cache lines. */
export function frameSize(length: number): number {
  return (XDP_PACKET_HEADROOM + Math.max(length, XDP_LINEAR_MAX) + 63) & ~63;
}

/** Addresses of a packet in a frame at `base`, with the room to grow that Linux's BPF_PROG_TEST_RUN gives. */
export function layFrame(base: number, length: number, metadata = 0) {
  const data = base + XDP_PACKET_HEADROOM;
  return {
    data,
    dataEnd: data + length,
    dataMeta: data - metadata,
    hardStart: base + XDP_FRAME_HEADER,
    hardEnd: data + Math.max(length, XDP_LINEAR_MAX),
  };
}

/** Writes a whole record. */
export function writeContext(view: DataView, at: number, frame: FrameLayout): void {
  view.setUint32(at + XDP_MD_DATA, frame.data, true);
  view.setUint32(at + XDP_MD_DATA_END, frame.dataEnd, true);
  view.setUint32(at + XDP_MD_DATA_META, frame.dataMeta, true);
  view.setUint32(at + XDP_MD_INGRESS_IFINDEX, frame.ingressIfindex ?? 0, true);
  view.setUint32(at + XDP_MD_RX_QUEUE_INDEX, frame.rxQueueIndex ?? 0, true);
  view.setUint32(at + XDP_MD_EGRESS_IFINDEX, frame.egressIfindex ?? 0, true);
  view.setUint32(at + CTX_HARD_START, frame.hardStart, true);
  view.setUint32(at + CTX_HARD_END, frame.hardEnd, true);
  view.setBigUint64(at + CTX_TIME, frame.timeNs, true);
  view.setUint32(at + CTX_VERDICT, 0, true);
  view.setUint32(at + CTX_REDIRECT_IFINDEX, 0, true);
  view.setUint32(at + CTX_REDIRECT_FLAGS, 0, true);
  view.setUint32(at + CTX_STATUS, 0, true);
  view.setUint32(at + CTX_CUT, Math.max(0, frame.wireLength - (frame.dataEnd - frame.data)), true);
  view.setUint32(at + CTX_SKB, frame.skb ?? 0, true);
}

/** What a program left in its record. */
export interface ContextResult {
  readonly returnValue: number;
  readonly data: number;
  readonly dataEnd: number;
  readonly dataMeta: number;
  readonly redirectIfindex: number;
  readonly redirectFlags: number;
  readonly status: number;
  readonly rxQueueIndex: number;
}

export function readContext(view: DataView, at: number): ContextResult {
  return {
    returnValue: view.getUint32(at + CTX_VERDICT, true),
    data: view.getUint32(at + XDP_MD_DATA, true),
    dataEnd: view.getUint32(at + XDP_MD_DATA_END, true),
    dataMeta: view.getUint32(at + XDP_MD_DATA_META, true),
    redirectIfindex: view.getUint32(at + CTX_REDIRECT_IFINDEX, true),
    redirectFlags: view.getUint32(at + CTX_REDIRECT_FLAGS, true),
    status: view.getUint32(at + CTX_STATUS, true),
    rxQueueIndex: view.getUint32(at + XDP_MD_RX_QUEUE_INDEX, true),
  };
}

export { CTX_SIZE };

const VERDICTS = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'] as const;

/** enum xdp_action's names. */
export type Verdict = (typeof VERDICTS)[number];

/** The name of a return value; what Linux does not know counts as XDP_ABORTED there, and has its number here. */
export function verdictName(value: number): Verdict | `UNKNOWN(${number})` {
  return VERDICTS[value] ?? `UNKNOWN(${value})`;
}
