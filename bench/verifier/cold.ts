// A process that verifies one program, once, and says how long that took.

import { verifierCase } from './cases.ts';
import { coldTime } from './sides.ts';

const built = verifierCase(process.argv[2] ?? '').build();
process.stdout.write(JSON.stringify(coldTime(built)));
