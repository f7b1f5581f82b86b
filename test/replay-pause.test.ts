/** Others' turns while a replay goes on. */
import { expect, test } from 'vitest';
import { Pause } from '../src/replay/replay-pause.ts';

test('a timer that is due runs within a few turns', async () => {
  const pause = new Pause();
  let fired = false;
  setTimeout(() => {
    fired = true;
  });
  for (let turns = 0; turns < 100 && !fired; turns++) {
    for (const end = performance.now() + 1; performance.now() < end; );
    await pause.turn();
  }
  pause.close();
  expect(fired).toBe(true);
});
