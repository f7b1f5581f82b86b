// What the load bench loads.

export interface LoadCase {
  readonly name: string;
  readonly file: string;
}

export const LOAD_CASES: readonly LoadCase[] = [
  { name: 'example', file: 'examples/tail_call.o' },
  { name: 'checksum', file: 'bench/programs/checksum.o' },
  { name: 'siphash', file: 'bench/programs/siphash.o' },
  { name: 'chain', file: 'bench/programs/chain.o' },
  { name: 'parser', file: 'bench/programs/parser.o' },
];
