// What a result was measured on. No host name, no paths: a stored result says what matters and nothing else.

import { cpus, loadavg, release, totalmem } from 'node:os';
import { readProjectFile } from './project.ts';

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly kernel: string;
  readonly node: string;
  readonly v8: string;
  /** Of this project. */
  readonly version: string;
  /** Of binaryen, which optimises. */
  readonly binaryen: string;
  /** Processes that wanted a processor, in the minute before the end: 1 is the bench itself. */
  readonly load: number;
  /** Samples that were asked for. */
  readonly samples?: number;
}

interface Package {
  readonly version: string;
  readonly devDependencies: { readonly binaryen: string };
}

export function machine(samples?: number): Machine {
  const { version, devDependencies } = JSON.parse(new TextDecoder().decode(readProjectFile('package.json'))) as Package;
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}/${process.arch}`,
    kernel: release().split('-')[0] ?? '',
    node: process.versions.node,
    v8: process.versions.v8,
    version,
    binaryen: devDependencies.binaryen,
    load: Math.round(loadavg()[0]! * 10) / 10,
    ...(samples !== undefined && { samples }),
  };
}
