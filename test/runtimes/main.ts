/** `RUNTIME main.js ROOT`: prints the smoke test's result. */
import { smoke } from './smoke.ts';

const root = process.argv[2] ?? '.';
console.log(JSON.stringify(await smoke(root)));
