/** The command as its users run it: what it prints, its JSON, its exit status, and each kind of mistake. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist/lib/cli.js');
const object = 'examples/tail_call.o';
const capture = 'examples/traffic.pcap';
const COUNTERS = 'traffic';
const SLOTS = ['--set', 'prog_array[0]=port8080_prog', '--set', 'prog_array[1]=port22_prog'];

const dir = mkdtempSync(join(tmpdir(), 'bpf2wasm-cli-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, bytes: Uint8Array | string) => {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
};

function cli(args: readonly string[], input?: Uint8Array): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [main, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    ...(input && { input }),
  });
}

/** Ran as it should: nothing on standard error. */
function good(args: readonly string[], input?: Uint8Array): string {
  const { status, stdout, stderr } = cli(args, input);
  expect([stderr, status]).toEqual(['', 0]);
  return stdout;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the command printed
const json = (args: readonly string[], input?: Uint8Array): any => JSON.parse(good([...args, '--json'], input));

/** A frame of 60 bytes with TCP to a port. */
function tcp(port: number): Uint8Array {
  const packet = new Uint8Array(60);
  packet.set([8, 0, 0x45], 12);
  packet[23] = 6;
  packet.set([port >> 8, port & 255], 36);
  return packet;
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('replay', () => {
  test('prints verdicts, programs and tail calls', () => {
    const text = good(['replay', object, capture, ...SLOTS, '--maps']);
    expect(text).toMatch(/^1,508 packets, 152,774 bytes \(in place\)\n/);
    expect(text).toMatch(/^XDP_PASS +1,441 +95\.6 %$/m);
    expect(text).toMatch(/^port8080_prog +2 +169 +-$/m);
    expect(text).toMatch(/^main_prog insn \d+ +prog_array +314 +0$/m);
    expect(text).toContain('map prog_array: prog_array, 2 of 2 entries\n  [0] port8080_prog (id 2)\n');
    expect(text).toContain('"Packet to port 22 processed\\n"');
  });

  test('--workers: the same by several threads', () => {
    const [one, two] = [1, 2].map((workers) => {
      const out = join(dir, `workers-${workers}.pcap`);
      const args = ['replay', object, capture, ...SLOTS, '--maps', '--trace', '--out', out, '--workers', `${workers}`];
      const { packets, bytes, verdicts, written, trace, maps } = json(args);
      const lines = trace.map((line: string) => line.replace(/\[\d+\]/, ''));
      return { packets, bytes, verdicts, written, lines, maps, out: hex(readFileSync(out)) };
    });
    expect(one?.lines.length).toBe(314);
    expect(two).toEqual(one);
  });

  test('--trace: a line for each packet to the two ports, as trace_pipe prints it', () => {
    const lines = good(['replay', object, capture, ...SLOTS, '--trace']).split('\n');
    const form = (port: number) =>
      new RegExp(
        `^ +<idle>-0 +\\[000\\] \\.\\.s2\\. +\\d+\\.\\d{6}: bpf_trace_printk: Packet to port ${port} processed$`,
      );
    expect(lines.filter((line) => form(8080).test(line)).length).toBe(169);
    expect(lines.filter((line) => form(22).test(line)).length).toBe(145);
  });

  test('--json', () => {
    const report = json(['replay', object, capture, ...SLOTS, '--maps', '--trace', '--loop', '2', '--seed', '0x7']);
    expect(report).toMatchObject({
      packets: 3016,
      bytes: 305548,
      verdicts: { XDP_ABORTED: 134, XDP_DROP: 0, XDP_PASS: 2882, XDP_TX: 0, XDP_REDIRECT: 0, other: 0 },
      violations: { count: 0, first: [] },
      written: 0,
      layout: 'in place',
    });
    expect(report.programs[0]).toMatchObject({ name: 'main_prog', id: 1, runs: 3016 });
    expect(report.programs[0].tailCalls).toMatchObject([{ map: 'prog_array', taken: 628, missed: 0 }]);
    expect(report.trace.length).toBe(628);
    expect(report.maps[0]).toEqual({
      name: 'prog_array',
      type: 'prog_array',
      entries: [
        { key: 0, value: { id: 2, name: 'port8080_prog' } },
        { key: 1, value: { id: 3, name: 'port22_prog' } },
      ],
    });
  });

  test('standard input and --out: what passed, passes again', () => {
    const out = join(dir, 'out.pcap');
    const bytes = readFileSync(join(root, capture));
    const first = json(['replay', object, '-', ...SLOTS, '--out', out, '--loop', '2'], bytes);
    expect(first).toMatchObject({ packets: 3016, written: 2882 });
    const again = json(['replay', object, out, ...SLOTS]);
    expect(again.verdicts).toMatchObject({ XDP_ABORTED: 0, XDP_PASS: 2882 });
  });

  test.each(['clang14-v1', 'clang16-v2', 'clang19-v3'])('the seed of %s', (built) => {
    const text = good(['replay', `test/data/seed/tail_call-${built}.o`, capture, ...SLOTS, '--trace']);
    expect(text.match(/Packet to port 8080 processed/g)?.length).toBeGreaterThanOrEqual(169);
    expect(text.match(/Packet to port 22 processed/g)?.length).toBeGreaterThanOrEqual(145);
  });

  test('without --prog: the program that no other one reaches, or the list of those', () => {
    expect(json(['replay', object, capture, ...SLOTS]).programs[0]).toMatchObject({ name: 'main_prog', runs: 1508 });
    const { status, stderr, stdout } = cli(['replay', object, capture, SLOTS[0], SLOTS[1], '--json']);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'bpf2wasm: 2 programs are reached by no other one; choose with --prog, or fill slots with --set: main_prog, port22_prog\n',
    );
    expect(JSON.parse(stdout).error).toMatchObject({
      stage: 'usage',
      code: 'USAGE_PROG',
      fields: { candidates: ['main_prog', 'port22_prog'] },
    });
  });

  test('a cut capture: the report, then the error, status 1', () => {
    const cut = file('cut.pcap', readFileSync(join(root, capture)).subarray(0, -1));
    const human = cli(['replay', object, cut, ...SLOTS]);
    expect(human.status).toBe(1);
    expect(human.stdout).toMatch(/^1,507 packets.*up to where the capture breaks off\n/);
    expect(human.stderr).toMatch(/^bpf2wasm: the capture ends inside .*\n$/);
    const data = cli(['replay', object, cut, ...SLOTS, '--json']);
    expect(data.status).toBe(1);
    expect(JSON.parse(data.stdout)).toMatchObject({ packets: 1507, error: { code: 'CAPTURE_TRUNCATED' } });
  });

  test('a reader that goes away is no error', async () => {
    const child = spawn(process.execPath, [main, 'replay', object, capture, ...SLOTS, '--trace', '--loop', '2000'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect([status, stderr]).toEqual([0, '']);
  });

  test('interrupted: the report up to then, status 130', async () => {
    const args = ['replay', object, capture, ...SLOTS, '--loop', '100000000', '--json'];
    // A signal that comes before the command listens to it just ends it: on a busy machine that can take long.
    let stdout = '';
    let status: number | null = null;
    for (let wait = 1500; status === null && wait < 20_000; wait *= 2) {
      const child = spawn(process.execPath, [main, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      setTimeout(() => child.kill('SIGINT'), wait);
      status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    }
    expect(status).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ stopped: true, layout: 'in place' });
  });
});

describe('--set', () => {
  const args = ['run', 'bench/programs/counter.o', '--prog', 'counter', '--data', hex(tcp(1)), '--maps'];
  const entriesAfter = (...settings: string[]) => {
    const set = settings.flatMap((setting) => ['--set', setting]);
    return json([...args, ...set]).maps[0].entries;
  };

  test('a struct by JSON with BTF, keys by integer in two notations', () => {
    const before = entriesAfter();
    const [member = ''] = Object.keys(before[1].value[0]);
    const after = entriesAfter(`${COUNTERS}[1]={"${member}":1000}`, `${COUNTERS}[0x2]={"${member}": 9007199254740991}`);
    expect(after[1].value[0][member]).toBe(1000);
    expect(after[2].value[0][member]).toBe(9007199254740991);
    expect(entriesAfter(`${COUNTERS}[3]=hex:0500000000000000${'00'.repeat(8)}`)[3].value[0][member]).toBe(5);
  });

  test('lines of a file', () => {
    const [member = ''] = Object.keys(entriesAfter()[1].value[0]);
    const path = file(
      'settings',
      `# two counters\n${COUNTERS}[1]={"${member}":5}\r\n\n  ${COUNTERS}[2]={"${member}":6}\n`,
    );
    const after = entriesAfter(`@${path}`);
    expect([after[1].value[0][member], after[2].value[0][member]]).toEqual([5, 6]);
    expect(cli([...args, '--set', '@none/such']).stderr).toContain('none/such');
    expect(cli([...args, '--set', `@${file('wrong', '\nno setting\n')}`]).stderr).toContain("--set 'no setting'");
  });

  test('a struct is no integer, and has no other members', () => {
    const wrong = cli([...args, '--set', `${COUNTERS}[0]=-1`]);
    expect(wrong.stderr).toContain('-1 was given for type struct');
    expect(wrong.status).toBe(1);
    expect(cli([...args, '--set', `${COUNTERS}[0]={"no":1}`]).stderr).toContain('no');
  });

  test('variables of data sections, before the object is loaded', () => {
    const setting = '.rodata[port22_prog.____fmt]=Packet to ssh';
    const text = good(['replay', object, capture, ...SLOTS, '--set', setting, '--trace']);
    expect(text.match(/bpf_trace_printk: Packet to ssh\n/g)?.length).toBe(145);
    expect(text).not.toContain('Packet to port 22');
    expect(cli(['replay', object, capture, ...SLOTS, '--set', '.rodata[none]=1']).stderr).toContain(
      'port22_prog.____fmt',
    );
  });

  test.each([
    ['prog_array', /expected MAP\[KEY\]=VALUE/, 2],
    ['prog_array=port22_prog', /expected MAP\[KEY\]=VALUE/, 2],
    ['[0]=port22_prog', /expected MAP\[KEY\]=VALUE/, 2],
    ['prog_array[0]port22_prog', /expected MAP\[KEY\]=VALUE/, 2],
    ['prog_array[0]=nothing', /nothing/, 1],
    ['no_map[0]=1', /no_map/, 1],
    ['prog_array[5]=port22_prog', /E2BIG/, 1],
    ['prog_array[hex:0]=port22_prog', /no hex/, 2],
    ['prog_array[{]=port22_prog', /expected MAP/, 2],
    ['prog_array[{"a"}]=port22_prog', /no JSON/, 2],
    ['prog_array[99999999999]=port22_prog', /does not fit/, 2],
  ])('%s', (text, message, exit) => {
    const { status, stderr, stdout } = cli(['replay', object, capture, '--prog', 'main_prog', '--set', text]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^bpf2wasm: [^\n]*\n$/);
    expect([status, stdout]).toEqual([exit, '']);
  });
});

describe('run', () => {
  const args = ['run', object, '--prog', 'main_prog', ...SLOTS];

  test('in bpftool’s words', () => {
    const text = good([...args, '--data', hex(tcp(8080)), '--repeat', '1000', '--trace']);
    expect(text.match(/Packet to port 8080 processed/g)?.length).toBe(1000);
    expect(text).toMatch(/^return value: 2 \(XDP_PASS\), duration \(average of 1,000 runs\): \d+ns$/m);
    expect(text).toContain('data_in: 60 bytes; data_out: 60 bytes, unchanged\n\t0x0000:  0000 0000');
  });

  test('--network FILE: what lookups answer from', () => {
    // struct bpf_fib_lookup in the packet of test/data/helpers/fib.c: 192.0.2.9 from device 2 to 198.51.100.1.
    const question = new Uint8Array(84);
    question.set([64, 0, 0, 0, 0, 0, 2, 6], 14);
    question.set([2, 0, 0, 0], 28);
    question.set([192, 0, 2, 9], 36);
    question.set([198, 51, 100, 1], 52);
    const network = {
      devices: [{ name: 'eth0', ifindex: 2, addresses: ['192.0.2.1/24'] }],
      routes: [{ to: 'default', via: '192.0.2.254', dev: 'eth0' }],
      neighbours: [{ ip: '192.0.2.254', dev: 'eth0', mac: '02:00:00:00:00:fe' }],
    };
    const asked = ['run', 'test/data/helpers/fib.o', '--prog', 'fib', '--data', hex(question), '--network'];
    const ask = (name: string, text: string) => [...asked, file(name, text)];
    const { retval, data_out } = json(ask('network.json', JSON.stringify(network)));
    expect([retval, data_out.slice(-12)]).toEqual([0, '0200000000fe']);
    const bad = { ...network, routes: [{ to: 'default', dev: 'eth9' }] };
    const { stderr, status } = cli(ask('bad.json', JSON.stringify(bad)));
    expect(stderr).toContain('bad.json');
    expect(stderr).toContain('routes[0].dev');
    expect(status).not.toBe(0);
    expect(cli(ask('none.json', '{')).stderr).toContain('--network');
  });

  test('--json, data from a file, output files', () => {
    const [dataOut, ctxOut] = [join(dir, 'data_out'), join(dir, 'ctx_out')];
    const data = file('packet.bin', tcp(22));
    const result = json([...args, '--data', data, '--data_out', dataOut, '--ctx_out', ctxOut]);
    expect(result).toMatchObject({ prog: 'main_prog', retval: 2, verdict: 'XDP_PASS', repeat: 1, violations: 0 });
    expect(result.data_out).toBe(`hex:${hex(tcp(22))}`);
    expect(hex(readFileSync(dataOut))).toBe(hex(tcp(22)));
    expect(hex(readFileSync(ctxOut))).toBe(`000000003c000000${'00'.repeat(16)}`);
  });

  const ctx = (...words: number[]) => hex(new Uint8Array(Uint32Array.from(words).buffer));
  test('--ctx: metadata in front of the packet', () => {
    const data = `deadbeef${hex(tcp(22))}`;
    const result = json([...args, '--data', data, '--ctx', ctx(4, 64, 0, 7, 0, 0), '--repeat', '3', '--trace']);
    expect(result.ctx_out).toBe(`hex:${ctx(4, 64, 0, 7, 0, 0)}`);
    expect(result.data_out).toBe(`hex:${data}`);
    expect(result.trace.length).toBe(3);
  });

  test.each([
    [ctx(0, 61), 'data_end'],
    [ctx(64, 60), 'data'],
    [ctx(3, 60), 'data'],
    [ctx(48, 60), 'data'],
    [ctx(0, 60, 4), 'data_meta'],
    [ctx(0, 60, 0, 0, 1), 'rx_queue_index'],
    [ctx(0, 60, 0, 0, 0, 1), 'egress_ifindex'],
    [ctx(0, 60, 0, 0, 0, 0, 1), 'size'],
  ])('--ctx %s is refused', (text, field) => {
    const { status, stdout } = cli([...args, '--data', hex(tcp(22)), '--ctx', text, '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ stage: 'run', code: 'RUN_CTX', fields: { field } });
  });

  test('--data_size_out', () => {
    expect(good([...args, '--data', hex(tcp(22)), '--data_size_out', '60'])).toContain('return value');
    const { status, stderr } = cli([...args, '--data', hex(tcp(22)), '--data_size_out', '59']);
    expect([status, stderr]).toEqual([2, 'bpf2wasm: --data_size_out: data_out has 60 bytes, not 59: ENOSPC\n']);
  });
});

describe('verify', () => {
  const refused = 'test/data/verify/refused.o';

  test("a table in veristat's words", () => {
    const text = good(['verify', object]);
    expect(text).toMatch(/^File +Program +Verdict +Duration \(us\) +Insns +States +Peak states +Program size/);
    expect(text).toMatch(/^tail_call\.o +main_prog +success +\d+ +\d+ /m);
  });

  test('a refused program: exit status 1, why, and with --explain what is missing', () => {
    const { status, stdout } = cli(['verify', refused, '--explain']);
    expect(status).toBe(1);
    expect(stdout).toContain("no_null_check is refused: R0 invalid mem access 'map_value_or_null'\n");
    expect(stdout).toContain('    if (!count)\n        return XDP_PASS;\n');
    expect(stdout).toMatch(/^refused\.o +fine +success /m);
    expect(good(['verify', refused, '--prog', 'fine'])).not.toContain('no_null_check');
  });

  test('--log-level', () => {
    const { stdout } = cli(['verify', refused, '--prog', 'no_null_check', '--log-level', '1']);
    expect(stdout).toContain('; *count += 1; @ refused.c:');
    expect(stdout).toMatch(/^processed 7 insns \(limit 1000000\)/m);
    expect(cli(['verify', refused, '--log-level', '8']).status).toBe(2);
  });

  test('--json', () => {
    const { status, stdout } = cli(['verify', refused, '--json', '--explain']);
    expect(status).toBe(1);
    const { programs } = JSON.parse(stdout);
    expect(programs.map((one: { verdict: string }) => one.verdict)).toEqual([...Array(5).fill('failure'), 'success']);
    expect(programs[1]).toMatchObject({
      program: 'no_null_check',
      error: { code: 'VERIFIER_REFUSED', fields: { errno: 'EACCES', pc: 7 } },
      stats: { insns: 7 },
      explanation: { fix: 'if (!count)\n    return XDP_PASS;' },
    });
  });

  test('programs that are not for packets are skipped', () => {
    const { status, stdout } = cli(['verify', 'test/data/object/core.o']);
    expect([status, stdout]).toEqual([0, expect.stringContaining('probe is skipped: program probe has type kprobe')]);
    expect(cli(['verify', 'test/data/object/core.o', '--prog', 'probe']).status).toBe(1);
  });

  test('--btf gives the types that CO-RE relocations are held against', () => {
    const args = ['verify', 'test/data/object/core-relo.o', '--prog', 'off_missing'];
    const target = cli([...args, '--btf', 'test/data/object/core-target.o']);
    expect(target.status).toBe(1);
    expect(target.stdout).toContain(
      '<invalid CO-RE relocation>: <byte_off> [8] struct outer.missing (0:14 @ offset 120)',
    );
    expect(cli([...args, '--btf', 'none']).status).toBe(0);
    expect(cli([...args, '--btf', 'test/data/object/core-relo.c']).stderr).toContain('BTF');
    expect(cli([...args, '--btf', '/nowhere']).stderr).toContain('cannot read /nowhere');
  });

  test('--unprivileged and --limit-insns', () => {
    expect(cli(['verify', object, '--unprivileged']).status).toBe(1);
    expect(cli(['verify', object, '--limit-insns', '10', '--prog', 'main_prog']).stdout).toContain(
      'more than may be loaded',
    );
  });
});

describe('inspect', () => {
  test('programs, maps, sections, BTF, licence', () => {
    const text = good(['inspect', object]);
    expect(text).toMatch(/^object tail_call: licence GPL/);
    expect(text).toMatch(/^main_prog +xdp +xdp +\d+ +prog_array +prog_array@\d+ +-$/m);
    expect(text).toMatch(/^prog_array +prog_array +4 +4 +2 +0x0$/m);
    expect(text).toMatch(/^BTF: \d+ types /m);
  });

  test('--json and --btf', () => {
    const info = json(['inspect', object]);
    expect(info).toMatchObject({ name: 'tail_call', license: 'GPL', gplCompatible: true });
    expect(info.programs.map((prog: { name: string }) => prog.name)).toEqual([
      'main_prog',
      'port8080_prog',
      'port22_prog',
    ]);
    expect(good(['inspect', object, '--btf'])).toContain('struct xdp_md {\n    __u32 data;\n');
  });

  test.each(['subprogs', 'maps', 'legacy-28', 'externs', 'core', 'types', 'sections', 'iproute2'])('%s.o', (name) => {
    const info = json(['inspect', `test/data/object/${name}.o`]);
    expect(info.programs.length).toBeGreaterThan(0);
    expect(good(['inspect', `test/data/object/${name}.o`])).toContain(info.programs[0].name);
  });
});

describe('dump', () => {
  test('--type names what a free section name does not', () => {
    const free = ['dump', 'test/data/object/short-elf-map.o', '--prog', 'slot_one'];
    expect(good([...free, '--type', 'xdp'])).toContain('exit');
  });

  test('--btf gives the types of CO-RE relocations', () => {
    const core = ['dump', 'test/data/object/core-relo.o', '--prog', 'off_nested'];
    expect(good([...core, '--btf', 'test/data/object/core-target.o'])).not.toBe(good(core));
  });

  const args = ['dump', object, '--prog', 'main_prog'];

  test('insns with source lines', () => {
    const text = good(args);
    expect(text).toMatch(/^int main_prog\(struct xdp_md \*ctx\):\n; int main_prog/);
    expect(text).toContain('(18) r2 = map[prog_array]');
    expect(text).toContain('(85) call bpf_tail_call#12');
    expect(good([...args, '--linum'])).toMatch(/^; .* \[file:\S+tail_call\.c line_num:\d+ line_col:\d+\]$/m);
    expect(good([...args, '--opcodes'])).toContain('b4 00 00 00');
  });

  test('--json', () => {
    const { prog, insns } = json(args);
    expect(prog).toBe('main_prog');
    expect(insns[0]).toMatchObject({ pc: 0, text: '(b4) w0 = 0', func: 'main_prog', line: { line: 37 } });
  });

  test('--wat and --wasm', () => {
    const path = join(dir, 'out.wasm');
    const result = json([...args, '--wat', '--wasm', path]);
    expect(result.wat).toContain('(module');
    const wasm = readFileSync(path);
    expect(result.wasm).toEqual({ file: path, bytes: wasm.length });
    expect(WebAssembly.validate(wasm)).toBe(true);
  });
});

describe('mistakes', () => {
  const garbage = file('garbage', 'this is no ELF file, and no capture');
  test.each<[what: string, args: string[], exit: number, message: RegExp]>([
    ['no command', [], 2, /which command/],
    ['unknown command', ['fly'], 2, /unknown command 'fly'/],
    ['a property of objects', ['constructor'], 2, /unknown command/],
    [
      'a value that begins with -',
      ['replay', object, capture, '--workers', '-1'],
      2,
      /--workers needs a value; one that begins with - is written --workers=-/,
    ],
    ['unknown option', ['replay', object, capture, '--fast'], 2, /unknown option '--fast'/],
    ['option without its value', ['replay', object, capture, '--prog'], 2, /--prog/],
    ['no capture', ['replay', object], 2, /<capture> missing/],
    ['too much', ['inspect', object, capture], 2, /unexpected argument/],
    ['no such object', ['inspect', 'nothing.o'], 1, /cannot read nothing\.o: no such file/],
    ['a folder', ['inspect', 'examples'], 1, /cannot read examples/],
    [
      'no such capture',
      ['replay', object, 'nothing.pcap', ...SLOTS],
      1,
      /cannot read nothing\.pcap: no such file or directory$/m,
    ],
    ['an object for a capture', ['replay', object, object, ...SLOTS], 1, /tail_call\.o: not a capture/],
    [
      'a value of no use',
      ['run', 'test/data/object/externs.o', '--prog', 'weak', '--data', '00', '--set', 'CONFIG_BPF_SYSCALL=maybe'],
      1,
      /--set 'CONFIG_BPF_SYSCALL=maybe': value: 'maybe' was given for type _Bool/,
    ],
    ['no ELF', ['inspect', garbage], 1, /ELF/],
    ['no capture file', ['replay', object, garbage, ...SLOTS], 1, /not a capture/],
    ['wrong program', ['replay', object, capture, '--prog', 'main'], 1, /main_prog, port8080_prog, port22_prog/],
    ['wrong program of dump', ['dump', object, '--prog', 'main'], 1, /main_prog/],
    ['no program of run', ['run', object, '--data', '00'], 2, /--prog is needed/],
    ['no data', ['run', object, '--prog', 'main_prog'], 2, /--data is needed/],
    ['data that is nothing', ['run', object, '--prog', 'main_prog', '--data', 'xyz'], 2, /no file 'xyz'/],
    ['loop 0', ['replay', object, capture, '--loop', '0'], 2, /--loop/],
    ['loop of words', ['replay', object, capture, '--loop', 'many'], 2, /--loop/],
    ['seed of words', ['replay', object, capture, '--seed', 'x'], 2, /--seed/],
    ['a clock', ['replay', object, capture, '--clock', 'moon'], 2, /capture, engine/],
    ['unwritable', ['replay', object, capture, ...SLOTS, '--out', '/no/such/dir'], 1, /cannot write/],
    ['no BPF', ['replay', 'test/data/object/x86-64.o', capture], 1, /machine|EM_/],
  ])('%s', (_what, args, exit, message) => {
    const { status, stdout, stderr } = cli(args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^bpf2wasm: [^\n]*\n$/);
    expect([status, stdout]).toEqual([exit, '']);
    const data = cli([...args, '--json']);
    expect(data.status).toBe(exit);
    const { error } = JSON.parse(data.stdout);
    expect(Object.keys(error)).toEqual(['stage', 'code', 'message', 'fields']);
    expect(`bpf2wasm: ${error.message}\n`).toBe(data.stderr);
  });
});

test('--help of each command lists options and exit status; --version', () => {
  for (const args of [[], ['replay'], ['run'], ['verify'], ['inspect'], ['dump']]) {
    const text = good([...args, '--help']);
    expect(text).toMatch(/^Usage: bpf2wasm/);
    expect(text).toContain('Exit status:');
  }
  expect(good(['--version'])).toMatch(/^bpf2wasm \d+\.\d+\.\d+\n$/);
});

describe('what is written', () => {
  test('is never what is read', () => {
    const own = file('own.pcap', readFileSync(capture));
    const { status, stderr } = cli(['replay', object, own, ...SLOTS, '--out', own]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('that is the input')]);
    expect(readFileSync(own).length).toBe(readFileSync(capture).length);
    expect(cli(['replay', object, own, ...SLOTS, '--out', '-']).status).toBe(2);
    const filtered = cli(['filter', '1,6 0 0 65535', own, '--write', own]);
    expect([filtered.status, filtered.stderr]).toEqual([2, expect.stringContaining('that is the input')]);
    expect(readFileSync(own).length).toBe(readFileSync(capture).length);
  });
});

describe('graph', () => {
  test('shows counts of a capture', () => {
    const text = good(['graph', object, ...SLOTS, '--capture', capture]);
    expect(text).toContain('pc 40: prog_array[any] taken 314 missed 0');
    expect(text).toContain('prog_array[1] -> port22_prog');
  });

  test.each([
    [['--set', 'prog_array[0]=nosuch'], "no program 'nosuch'", 1],
    [['--set', 'prog_array[5]=port22_prog'], 'prog_array has slots 0 to 1', 2],
    [['--dot', '--svg'], 'choose one', 2],
    [['--set', 'nosuch=1'], "no variable 'nosuch'", 1],
    [['--prog', 'main_prog'], '--prog goes with --capture', 2],
  ])('%j', (args, message, exit) => {
    const { status, stderr } = cli(['graph', object, ...args]);
    expect([status, stderr]).toEqual([exit, expect.stringContaining(message)]);
  });

  test('a refused program is an exit status', () => {
    expect(cli(['graph', 'test/data/verify/refused.o']).status).toBe(1);
  });
});
