/**
 * The user-space half of tail_call.c, in the steps of a libbpf loader: open, load, fill the two slots, attach, print the trace, detach.
 * There is no kernel here, so the "interface" is a virtual device and its packets come from a capture.
 *
 *     npm run build && node dist/examples/loader.js eth0 examples/traffic.pcap
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BpfError, Engine, loadObject } from '../src/index.ts';
import { readChunks } from '../src/platform/node-files.ts';
import { packets } from '../src/replay/capture.ts';

async function main(): Promise<number> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [ifname, capture = 'examples/traffic.pcap'] = positionals;
  if (ifname === undefined) {
    console.error('Usage: loader <interface> [capture]');
    return 1;
  }

  // skel = tail_call__open()
  const object = loadObject(readFileSync('examples/tail_call.o'));

  // tail_call__load(skel)
  using engine = await Engine.create();
  const skel = await engine.load(object);

  // bpf_map__update_elem(skel->maps.prog_array, &key, ..., &prog_fd, ...)
  const progArray = skel.map('prog_array');
  progArray.set(0, skel.prog('port8080_prog'));
  progArray.set(1, skel.prog('port22_prog'));

  // ifindex = if_nametoindex(ifname); link = bpf_program__attach_xdp(skel->progs.main_prog, ifindex)
  const device = engine.addDevice(ifname);
  using link = skel.prog('main_prog').attach(device);
  console.log(
    `XDP program loaded and tail calls configured on interface ${link.device.name} (ifindex: ${device.ifindex}).`,
  );

  // cat /sys/kernel/tracing/trace_pipe
  const { trace } = engine;
  for await (const packet of packets(readChunks(capture))) {
    device.receive(packet.data);
    for (const line of trace.drain()) console.log(line);
  }
  console.log(`${device.stats.received} packets: ${JSON.stringify(device.stats.verdicts)}`);
  return 0;
  // bpf_link__destroy(link); tail_call__destroy(skel): `using` does both
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof BpfError)) throw error;
  console.error(`loader: ${error.message}`);
  process.exitCode = 1;
}
