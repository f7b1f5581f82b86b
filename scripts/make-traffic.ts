// Writes the example capture: `npm run build && node dist/scripts/make-traffic.js [FILE] [SEED]`, by default examples/traffic.pcap.
import { writeFileSync } from 'node:fs';
import { TRAFFIC_SEED, trafficCapture } from './traffic.ts';

const path = process.argv[2] ?? 'examples/traffic.pcap';
const seed = Number(process.argv[3] ?? TRAFFIC_SEED);
if (!Number.isInteger(seed)) {
  console.error(`the seed is ${process.argv[3]}, where an integer is expected`);
  process.exit(2);
}
const bytes = trafficCapture(seed);
writeFileSync(path, bytes);
console.log(`${path}: ${bytes.length} bytes, seed ${seed}`);
