/** bpf_for_each_map_elem, here and in the kernel. */
import { describeKernel } from '../kernel/available.ts';
import { PACKETS } from '../kernel/sides.ts';
import { compareAll } from './calls.cases.ts';

describeKernel('bpf_for_each_map_elem', () => {
  const packets = PACKETS.slice(0, 10);
  compareAll('for-each', { arrays: { packets }, hashes: { packets } });
});
