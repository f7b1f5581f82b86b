import { defineConfig } from 'vitest/config';

// CI reads the counts from a file.
const ci = process.env.CI !== undefined;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ci ? ['default', 'json'] : ['default'],
    outputFile: { json: 'build/test-results.json' },
  },
});
