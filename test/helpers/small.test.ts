/** Helpers on strings, numbers, memory, locks and the machine, here and in the kernel. */
import { readFileSync } from 'node:fs';
import { Random } from '../fuzz/verifier-item.ts';
import { describeKernel } from '../kernel/available.ts';
import { PACKETS } from '../kernel/sides.ts';
import { compareAll } from './calls.cases.ts';

const TEXTS = [
  '12345',
  ' \t\n-42 rest',
  '0x1f',
  '-0X1F',
  '0x',
  '0xg',
  '017',
  '08',
  '0',
  '-',
  '',
  '+5',
  '--5',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775809',
  '18446744073709551615',
  '18446744073709551616',
  'ffffffffffffffff',
  'deadBEEF',
  '777',
  '\u00a012',
  '- 5',
  '1_000',
];
const BASES = [0, 8, 10, 16, 2, 7, 31, 32];

/** Size, flags, text: see `numbers` in small.c. */
function numberPacket(text: string, size: number, flags: number): Uint8Array {
  const packet = new Uint8Array(40);
  packet[0] = size;
  packet[1] = flags;
  packet.set(Buffer.from(text, 'latin1').subarray(0, 32), 2);
  return packet;
}

function numberPackets(): Uint8Array[] {
  const packets = TEXTS.flatMap((text) => BASES.map((base) => numberPacket(text, 31, base)));
  packets.push(...TEXTS.flatMap((text) => [1, 2, 3, 5].map((size) => numberPacket(text, size, 0))));
  const random = new Random(5);
  const letters = '0123456789abcdefxX -+.';
  for (let i = 0; i < 100; i++) {
    const text = Array.from({ length: random.below(24) }, () => letters[random.below(letters.length)]).join('');
    packets.push(numberPacket(text, 1 + random.below(31), BASES[random.below(4)]));
  }
  return packets;
}

/** What the kernel says of this process: the test run's current task. */
function thisTask() {
  const comm = readFileSync('/proc/thread-self/comm', 'utf8').trim();
  const status = readFileSync('/proc/thread-self/status', 'utf8');
  const word = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { pid: word('Pid'), tgid: word('Tgid'), uid: word('Uid'), gid: word('Gid'), comm };
}

describeKernel('small helpers', () => {
  const packets = PACKETS.slice(0, 10);
  compareAll(
    'small',
    {
      numbers: { packets: numberPackets() },
      printing: { packets },
      probes: { packets },
      locking: { packets },
      deadlock: { packets },
      machine: { packets: PACKETS.slice(0, 1) },
      clocks: { packets: PACKETS.slice(0, 1) },
    },
    () => ({ task: thisTask() }),
  );
});
