// The number domains on random chains of insns: what is known admits every concrete number, and is what the running kernel says.
// BPF2WASM_FUZZ_RUNS sets how many chains of each, BPF2WASM_FUZZ_SEED where they start.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, createMap } from '../kernel/bpf.ts';
import { compareChain, makeChain } from '../verifier-domain/compare.ts';
import { type Domain, loadDomain } from '../verifier-domain/module.ts';
import { soundChain } from '../verifier-domain/sound.ts';
import { prng } from './mutate.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 150);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 64);
const LENGTH = 60;
const SAMPLES = 30;
const TIMEOUT = 3_600_000;

let domain: Domain;

beforeAll(async () => {
  domain = await loadDomain();
});

test(`${RUNS} sound chains, seed ${SEED}`, { timeout: TIMEOUT }, () => {
  let checks = 0;
  for (let i = 0; i < RUNS * 4; i++) {
    try {
      checks += soundChain(domain, prng(SEED * 1_000_003 + i), LENGTH, SAMPLES);
    } catch (error) {
      throw new Error(`seed ${SEED}, chain ${i}`, { cause: error });
    }
  }
  expect(checks).toBeGreaterThan(RUNS * 100);
});

describeKernel('chains in the kernel', () => {
  let map: number;

  beforeAll(() => {
    map = createMap({ type: 'array', keySize: 4, valueSize: 64, maxEntries: 1 });
  });
  afterAll(() => closeFd(map));

  test(`${RUNS} chains, seed ${SEED}`, { timeout: TIMEOUT }, () => {
    let states = 0;
    for (let i = 0; i < RUNS; i++) {
      const compared = compareChain(makeChain(domain, prng(SEED * 1_000_003 + i), LENGTH), map);
      expect(compared.difference, `seed ${SEED}, chain ${i}`).toBeUndefined();
      states += compared.states;
    }
    expect(states).toBeGreaterThan(RUNS * LENGTH);
  });
});
