// Writes functions of build/verifier.wasm where they are called, more of them than asc does: V8 inlines no Wasm, and the verifier's hot functions are small.
// Larger limits gain more in a warm process (a quarter of the time at most), but then V8's optimising compiler takes a hundred milliseconds more in a cold one.
import { readFileSync, writeFileSync } from 'node:fs';
import binaryen from 'binaryen';

const FILE = new URL('../build/verifier.wasm', import.meta.url);
/** Sizes are binaryen's: nodes of the tree. */
const ALWAYS = 30;
const WHERE_IT_IS_SMALL = 100;
const ONE_CALLER = 100;

const { Features } = binaryen;
const module = binaryen.readBinary(readFileSync(FILE));
// Those that asconfig.verifier.json has.
module.setFeatures(
  Features.SIMD128 | Features.BulkMemory | Features.BulkMemoryOpt | Features.SignExt | Features.MutableGlobals,
);
binaryen.setOptimizeLevel(3);
binaryen.setShrinkLevel(0);
binaryen.setAlwaysInlineMaxSize(ALWAYS);
binaryen.setFlexibleInlineMaxSize(WHERE_IT_IS_SMALL);
binaryen.setOneCallerInlineMaxSize(ONE_CALLER);
binaryen.setAllowInliningFunctionsWithLoops(true);
module.optimize();
module.optimize();
writeFileSync(FILE, module.emitBinary());
