/** Captures merged by time: the packets of several inputs in the order of their time stamps, and in the order of the inputs where these are equal. */

import { CaptureError } from '../errors/index.ts';
import { type CaptureInput, CaptureReader, LINKTYPE_ETHERNET, linkTypeName } from '../replay/capture.ts';

export interface Merged {
  /** Number of the input. */
  readonly input: number;
  readonly data: Uint8Array;
  readonly timeNs: bigint;
  readonly wireLength: number;
}

/** One input: its packets one after the other, copied out of the capture. */
async function* packetsOf(input: CaptureInput, index: number): AsyncGenerator<Merged, void, void> {
  const reader = await CaptureReader.open(input);
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      for (let i = 0; i < batch.count; i++) {
        const from = reader.interfaces[batch.interfaceId[i]];
        if (from.linkType !== LINKTYPE_ETHERNET) {
          const { linkType } = from;
          throw new CaptureError('CAPTURE_LINK_TYPE', {
            interfaceId: from.index,
            linkType,
            found: linkTypeName(linkType),
          });
        }
        const at = batch.offset[i];
        const data = batch.bytes.slice(at, at + batch.capLen[i]);
        yield { input: index, data, timeNs: batch.timestampNs(i), wireLength: batch.origLen[i] };
      }
    }
  } finally {
    await reader.close();
  }
}

/** @param onError is told of an input that is cut or damaged, which ends there */
export async function* mergeCaptures(
  inputs: readonly CaptureInput[],
  onError: (error: CaptureError, input: number) => void,
): AsyncGenerator<Merged, void, void> {
  const sources = inputs.map((input, i) => packetsOf(input, i));
  const next = async (i: number): Promise<Merged | undefined> => {
    try {
      const result = await sources[i].next();
      return result.done === true ? undefined : result.value;
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      onError(error, i);
      return undefined;
    }
  };
  const heads = await Promise.all(sources.map((_, i) => next(i)));
  try {
    for (;;) {
      let first: Merged | undefined;
      for (const head of heads)
        if (head !== undefined && (first === undefined || head.timeNs < first.timeNs)) first = head;
      if (first === undefined) return;
      yield first;
      heads[first.input] = await next(first.input);
    }
  } finally {
    for (const source of sources) await source.return();
  }
}
