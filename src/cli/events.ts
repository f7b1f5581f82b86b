/** `--events`: what programs write to ring buffers and perf event arrays, printed as it comes or kept for the JSON. */
import type { Loaded } from '../engine.ts';
import { EventMap } from '../runtime/event-map.ts';
import { PerfEventArray, type PerfRecord } from '../runtime/perf-event-array.ts';
import { mapTypeName } from '../util/map-types.ts';
import type { Args } from './args.ts';
import { UsageError } from './errors.ts';
import { show } from './maps.ts';
import { grouped, plural, printLines } from './output.ts';

/** Pages of a perf buffer: 4 MiB for each CPU. */
const PERF_PAGES = 1024;
/** What a packet's records are thought to need in a ring. */
const BYTES_A_PACKET = 1024;
const MOST_PACKETS = 2048;

interface Watched {
  readonly map: EventMap<unknown>;
  readonly options: { readonly type?: string };
  readonly kept: unknown[];
}

function watch(loaded: Loaded, text: string): Watched {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const map = loaded.map(name);
  if (!(map instanceof EventMap)) {
    throw new UsageError(
      `--events ${name}: its type is ${mapTypeName(map.spec.type)}, and only ringbuf and perf_event_array have records`,
    );
  }
  if (map instanceof PerfEventArray) map.openBuffers({ pages: PERF_PAGES });
  const options = colon < 0 ? {} : { type: typeName(map, text.slice(colon + 1)) };
  return { map, options, kept: [] };
}

/** `event` is a typedef, or else `struct event`. What does not exist is refused before anything runs. */
function typeName(map: EventMap<unknown>, name: string): string {
  const exists = (type: string) => map.consume(() => undefined, { type, max: 0 });
  try {
    exists(name);
    return name;
  } catch (error) {
    if (name.includes(' ')) throw error;
    exists(`struct ${name}`);
    return `struct ${name}`;
  }
}

function textOf(map: EventMap<unknown>, record: unknown): string {
  if (!(map instanceof PerfEventArray)) return `${map.name}: ${show(record)}`;
  const { cpu, data, lost } = record as PerfRecord;
  return `${map.name} cpu ${cpu}: ${lost === undefined ? show(data) : `${plural(lost, 'sample')} lost`}`;
}

export class EventPrinter {
  private readonly watched: readonly Watched[];
  private readonly isJson: boolean;

  /** @throws UsageError for a map twice, or of another type; RunError for a map or struct that does not exist */
  constructor(loaded: Loaded, args: Args) {
    this.watched = args.list('events').map((text) => watch(loaded, text));
    this.isJson = args.flag('json');
    const names = this.watched.map(({ map }) => map.name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new UsageError(`--events ${twice}: given twice`);
  }

  get any(): boolean {
    return this.watched.length > 0;
  }

  /** Packets that the smallest of the rings is likely to have room for; undefined without rings. */
  get batchPackets(): number | undefined {
    if (!this.any) return undefined;
    const sizes = this.watched.map(({ map }) =>
      map instanceof PerfEventArray ? PERF_PAGES * 4096 : map.spec.maxEntries,
    );
    return Math.max(1, Math.min(MOST_PACKETS, Math.floor(Math.min(...sizes) / BYTES_A_PACKET)));
  }

  /** Takes what is there: prints it, or keeps it for `json`. */
  async take(): Promise<void> {
    for (const { map, options, kept } of this.watched) {
      const records = map.drain(options);
      if (!this.isJson) await printLines(records.map((record) => textOf(map, record)));
      else for (const record of records) kept.push(record);
    }
  }

  /** For the JSON: what was kept, by map. */
  json(): { readonly events?: Readonly<Record<string, unknown>> } {
    if (!this.any) return {};
    return {
      events: Object.fromEntries(this.watched.map(({ map, kept }) => [map.name, { records: kept, lost: map.lost }])),
    };
  }

  /** Says on standard error what was lost; `option` can make less of it come at once. */
  complain(option: string): void {
    for (const { map } of this.watched) {
      if (map.lost === 0) continue;
      process.stderr.write(
        `bpf2wasm: ${grouped(map.lost)} ${map.lost === 1 ? 'record' : 'records'} of ${map.name} lost: there was no room; a smaller ${option} makes less come at once\n`,
      );
    }
  }
}
