/** bpf_str*, here and in the kernel. */
import { Random } from '../fuzz/verifier-item.ts';
import { describeKernel } from '../kernel/available.ts';
import { PACKETS } from '../kernel/sides.ts';
import { compareAll } from './calls.cases.ts';

/** Two short strings of few letters, so that they meet; a letter, a count. */
function packets(): Uint8Array[] {
  const random = new Random(9);
  const letters = Buffer.from('aAbBzZ\xe0\xc0\0', 'latin1');
  const letter = () => letters[random.below(letters.length)];
  return Array.from({ length: 200 }, (_, i) => {
    const packet = new Uint8Array(60);
    const [a, b] = [random.below(16), random.below(i % 3 === 0 ? 16 : 4)];
    for (let k = 0; k < a; k++) packet[k] = letter();
    for (let k = 0; k < b; k++) packet[15 + k] = i % 5 === 0 ? packet[k] : letter();
    packet[30] = letter();
    packet[31] = random.below(20);
    return packet;
  });
}

describeKernel('bpf_str*', () => {
  compareAll('strings', { strings: { packets: packets() }, refused: { packets: PACKETS.slice(0, 1) } });
});
