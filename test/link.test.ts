import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { link } from '../src/link/link.ts';
import { loadObject } from '../src/object/load.ts';

const seeds = readdirSync('test/data/seed').filter((name) => name.endsWith('.o'));

describe('the tail-call program', () => {
  it.each(['examples/tail_call.o', ...seeds.map((name) => `test/data/seed/${name}`)])('%s loads and links', (path) => {
    const object = loadObject(readFileSync(path));
    expect(object.progs.map((p) => p.name)).toEqual(['main_prog', 'port8080_prog', 'port22_prog']);
    expect(object.maps.map((m) => m.name)).toEqual(['prog_array', 'tail_cal.rodata']);
    const [main, port8080, port22] = object.progs.map((prog) => link(object, prog));
    expect(main.maps.map((m) => m.name)).toEqual(['prog_array']);
    expect(port8080.maps.map((m) => m.name)).toEqual(['tail_cal.rodata']);
    expect([...port22.insns.subarray(0, 16)]).toEqual([0x18, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31, 0, 0, 0]);
    expect(main.lines[0]).toMatchObject({ pc: 0, file: './tail_call.c' });
  });
});
