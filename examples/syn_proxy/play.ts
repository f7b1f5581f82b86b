// Plays the script against the program itself: so the capture's clients have the right cookies, for a replay with the same seed.
import { Engine } from '../../src/engine.ts';
import { openObject } from '../../src/platform/node.ts';
import type { Example } from '../example.ts';
import { expectPlayed, type Played, PORTS, play, script } from './model.ts';

const SEED = 1;

async function playHere(): Promise<Played> {
  using engine = await Engine.create({ seed: SEED });
  const loaded = await engine.load(openObject('examples/syn_proxy/syn_proxy.o'));
  for (const port of PORTS) loaded.map('ports').set(port, 1);
  const prog = loaded.prog('syn_proxy');
  return play(script(), ({ data, timestampNs }) => {
    const { verdict, packet } = prog.run(data, { timeNs: timestampNs });
    if (verdict.startsWith('UNKNOWN')) throw new RangeError(verdict);
    return { verdict: verdict as Exclude<typeof verdict, `UNKNOWN(${number})`>, data: packet };
  });
}

export const synProxy: Example = {
  name: 'syn_proxy',
  prog: 'syn_proxy',
  dependsOn: 'cookies',
  settings: PORTS.map((port) => `ports[${port}]=1`),
  capture: async () => [...(await playHere()).packets],
  expect: async () => expectPlayed(script(), await playHere()),
};
