/** Open-coded iterators, here and in the kernel. */
import { describeKernel } from '../kernel/available.ts';
import { PACKETS } from '../kernel/sides.ts';
import { compareAll } from './calls.cases.ts';

describeKernel('iterators', () => {
  compareAll('iter', { numbers: { packets: PACKETS.slice(0, 5) }, bits: {} });
});
