// Writes what the models of the examples say: `npm run build && node dist/scripts/make-examples.js`. Each folder gets its capture, its settings and
// what must come out. No program runs for it, but the SYN proxy's, whose clients must know its cookies.
import { writeFileSync } from 'node:fs';
import { EXAMPLES } from '../examples/examples.ts';
import { exampleFiles } from './example-files.ts';

for (const example of EXAMPLES) {
  for (const [name, content] of Object.entries(await exampleFiles(example))) {
    const path = `examples/${example.name}/${name}`;
    writeFileSync(path, content);
    console.log(`${path}: ${content.length} bytes`);
  }
}
