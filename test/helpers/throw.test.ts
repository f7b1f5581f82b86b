/** bpf_throw, here and in the kernel. */
import { describeKernel } from '../kernel/available.ts';
import { compareAll } from './calls.cases.ts';

describeKernel('bpf_throw', () => {
  const packets = [14, 15, 60, 61, 62, 200, 217].map((length) => new Uint8Array(length));
  compareAll('throw', { plain: { packets }, handled: { packets } });
});
