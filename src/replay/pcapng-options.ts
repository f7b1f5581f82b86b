// The options of a pcapng Interface Description Block that matter for reading packets: name, time resolution, time offset.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html sections 3.5 and 4.2
//
//   option   code u16 | length u16 | value, padded to 4 bytes
import { CaptureError } from '../errors/index.ts';

const OPT_ENDOFOPT = 0;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;

export interface InterfaceOptions {
  name?: string;
  tsresol?: number;
  offsetSeconds?: bigint;
}

/** Options lie in `view[from, to)`; `fileOffset` is where the view begins in the file. */
export interface OptionRange {
  view: DataView;
  from: number;
  to: number;
  little: boolean;
  fileOffset: number;
}

function malformed(range: OptionRange, at: number, field: string, found: string, expected: string): CaptureError {
  const fields = { offset: range.fileOffset + at, block: 'interface option', field, found, expected };
  return new CaptureError('CAPTURE_BLOCK', fields);
}

function requireLength(range: OptionRange, at: number, length: number, expected: number): void {
  if (length !== expected) throw malformed(range, at, 'length', String(length), String(expected));
}

export function parseInterfaceOptions(range: OptionRange): InterfaceOptions {
  const { view, to, little } = range;
  const options: InterfaceOptions = {};
  let at = range.from;
  while (at < to) {
    if (to - at < 4) throw malformed(range, at, 'header', `${to - at} bytes`, '4 bytes');
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === OPT_ENDOFOPT) break;
    const value = at + 4;
    if (length > to - value) throw malformed(range, at, 'length', String(length), `at most ${to - value}`);
    if (code === IF_TSRESOL) {
      requireLength(range, at, length, 1);
      options.tsresol = view.getUint8(value);
    } else if (code === IF_TSOFFSET) {
      requireLength(range, at, length, 8);
      options.offsetSeconds = view.getBigInt64(value, little);
    } else if (code === IF_NAME) {
      options.name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + value, length));
    }
    at = value + ((length + 3) & ~3);
  }
  return options;
}
