// `struct bpf_sock_ops` (linux/bpf.h).

import { PTR_MAYBE_NULL, PTR_TO_PACKET, PTR_TO_PACKET_END, PTR_TO_SOCKET } from '../../abi.ts';
import { ctxStruct, DOUBLE_WORD, field, NARROW_AT_START, WORD, words } from './field.ts';

/** Written as `reply`, the union's first word; the other words of `replylong` are read-only. */
const REPLY = { within: 0, atStart: 4 };

export const SOCK_OPS = ctxStruct('bpf_sock_ops', 224, [
  field('op', 0, 4, WORD),
  field('args', 4, 16, WORD, { write: REPLY, element: 4 }),
  ...words(20, WORD, ['family', 'remote_ip4', 'local_ip4']),
  field('remote_ip6', 32, 16, WORD, { element: 4 }),
  field('local_ip6', 48, 16, WORD, { element: 4 }),
  ...words(64, WORD, ['remote_port', 'local_port', 'is_fullsock', 'snd_cwnd', 'srtt_us', 'bpf_sock_ops_cb_flags']),
  ...words(88, WORD, ['state', 'rtt_min', 'snd_ssthresh', 'rcv_nxt', 'snd_nxt', 'snd_una', 'mss_cache', 'ecn_flags']),
  ...words(120, WORD, ['rate_delivered', 'rate_interval_us', 'packets_out', 'retrans_out', 'total_retrans']),
  ...words(140, WORD, ['segs_in', 'data_segs_in', 'segs_out', 'data_segs_out', 'lost_out', 'sacked_out']),
  field('sk_txhash', 164, 4, WORD, { write: WORD }),
  field('bytes_received', 168, 8, DOUBLE_WORD),
  field('bytes_acked', 176, 8, DOUBLE_WORD),
  field('sk', 184, 8, DOUBLE_WORD, { type: PTR_TO_SOCKET | PTR_MAYBE_NULL }),
  field('skb_data', 192, 8, DOUBLE_WORD, { type: PTR_TO_PACKET }),
  field('skb_data_end', 200, 8, DOUBLE_WORD, { type: PTR_TO_PACKET_END }),
  field('skb_len', 208, 4, WORD),
  field('skb_tcp_flags', 212, 4, NARROW_AT_START),
  field('skb_hwtstamp', 216, 8, DOUBLE_WORD),
]);
