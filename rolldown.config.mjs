/**
 * What is published: src as a few ES modules in dist/lib, because reading, parsing and linking three hundred files takes most of a cold start.
 * Names stay readable; the types are tsc's.
 *
 *     index.js node.js cli.js   the entry points
 *     core-*.js                 all they share, once: one class is one class whatever it was imported through
 *     wasm-files.js             `#wasm` where files can be read: reads runtime.wasm and verifier.wasm beside it
 *     wasm-embedded.js          `#wasm` everywhere else, and in bundles: the same bytes as text
 *     standalone.js             all of `.` in one file with nothing to resolve: for pages without a bundler
 *     others                    what is loaded when it is needed: the commands, binaryen's driver, the runtime of several threads
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { defineConfig } from 'rolldown';
import { lazyFunctions } from './scripts/lazy-functions.mjs';

const DIR = 'dist/lib';

/** Loaded by `import()` only. */
const LATER = /src\/jit\/optimize\.ts$|src\/runtime\/wasm-shared\.gen\.ts$|src\/replay\/workers\//;

/** The Wasm modules' bytes come from `#wasm`, which package.json resolves by where the package runs. */
const wasmByHost = {
  name: 'wasm-by-host',
  resolveId: (id, from) =>
    /\/(runtime|verifier)\/[^/]*$/.test(from ?? '') && id === './wasm.ts' ? { id: '#wasm', external: true } : undefined,
};

const copyWasm = {
  name: 'copy-wasm',
  writeBundle() {
    mkdirSync(DIR, { recursive: true });
    for (const name of ['runtime.wasm', 'verifier.wasm']) copyFileSync(`build/${name}`, `${DIR}/${name}`);
  },
};

const common = {
  platform: 'neutral',
  external: [/^node:/, 'binaryen'],
  /** Constants of the border are numbers where they are used. */
  optimization: { inlineConst: { mode: 'all', pass: 3 } },
};

const output = {
  dir: DIR,
  format: 'esm',
  sourcemap: true,
  minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
};

export default defineConfig([
  {
    ...common,
    input: { index: 'src/index.ts', node: 'src/platform/node.ts', cli: 'src/cli/main.ts' },
    plugins: [lazyFunctions, wasmByHost, copyWasm],
    output: {
      ...output,
      cleanDir: true,
      codeSplitting: {
        groups: [{ name: 'core', test: (id) => !/src\/(cli|platform)\//.test(id) && !LATER.test(id) }],
      },
    },
  },
  {
    ...common,
    input: { 'wasm-embedded': 'src/platform/wasm-embedded.ts', 'wasm-files': 'src/platform/wasm-files.ts' },
    output,
  },
  {
    ...common,
    input: { standalone: 'src/index.ts' },
    plugins: [lazyFunctions],
    output: { ...output, codeSplitting: false },
  },
]);
