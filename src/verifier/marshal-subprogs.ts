/** Functions of a program -> rows of INPUT_SUBPROGS. */

import type { LinkedFunc, LinkedProg } from '../link/types.ts';
import * as abi from './abi.ts';
import type { RequestWriter } from './request.ts';
import type { StructTable } from './struct-table.ts';
import { exceptionCallbacks, type SubprogRow, subprogRow } from './subprog-btf.ts';

function writeArgs(view: DataView, at: number, row: SubprogRow | undefined, structs: StructTable): void {
  view.setUint32(at + abi.SP_ARG_COUNT, row?.args.length ?? 0, true);
  row?.args.forEach((arg, i) => {
    const to = at + abi.SP_ARGS + i * abi.SA_SIZE;
    const isKnown = arg.struct === undefined || structs.mayBeKernels(arg.struct);
    view.setUint32(to + abi.SA_KIND, isKnown ? arg.kind : abi.SA_UNSUPPORTED, true);
    view.setUint32(to + abi.SA_FLAGS, arg.flags, true);
    view.setUint32(
      to + abi.SA_SIZE_OR_STRUCT,
      arg.struct === undefined ? arg.size : structs.kernelStruct(arg.struct),
      true,
    );
  });
}

function flagsOf(func: LinkedFunc, isHandler: boolean): number {
  return (func.global === true ? abi.SPF_GLOBAL : 0) | (isHandler ? abi.SPF_EXCEPTION_CB : 0);
}

/** `ctxName`: the struct that the program's ctx is, by which global functions' BTF names it. */
export function marshalSubprogs(input: RequestWriter, prog: LinkedProg, ctxName: string, structs: StructTable): void {
  const { btf, funcs } = prog;
  const handlers = exceptionCallbacks(prog);
  const hasHandler = handlers.length === 0 || funcs.some((func) => func.name === handlers[0]);
  const ofEntry = (handlers.length > 1 ? abi.SPF_MANY_HANDLERS : 0) | (hasHandler ? 0 : abi.SPF_NO_HANDLER);
  const bytes = new Uint8Array(funcs.length * abi.SP_SIZE);
  const view = new DataView(bytes.buffer);
  funcs.forEach((func, i) => {
    const row = btf === undefined || func.btfId === undefined ? undefined : subprogRow(btf, func.btfId, ctxName);
    const isHandler = handlers.includes(func.name);
    view.setUint32(i * abi.SP_SIZE + abi.SP_START, func.start, true);
    view.setUint32(
      i * abi.SP_SIZE + abi.SP_FLAGS,
      flagsOf(func, isHandler) | (i === 0 ? ofEntry : 0) | (row?.flags ?? 0),
      true,
    );
    writeArgs(view, i * abi.SP_SIZE, row, structs);
  });
  input.table(abi.INPUT_SUBPROGS, bytes, abi.INPUT_SUBPROG_COUNT, funcs.length);
}
