import { defineConfig } from 'vitest/config';

// CI reads the counts from a file.
const ci = process.env.CI !== undefined;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // One process a core: vitest would leave one idle, and on two that is half of the time.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ci ? ['default', 'json'] : ['default'],
    outputFile: { json: 'build/test-results.json' },
  },
});
