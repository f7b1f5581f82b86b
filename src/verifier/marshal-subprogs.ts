/** Functions of a program -> rows of INPUT_SUBPROGS. */
import * as abi from '../../assembly/verifier/abi.ts';
import type { LinkedFunc, LinkedProg } from '../link/types.ts';
import type { InputWriter } from './instance.ts';
import { exceptionCallback, type SubprogRow, subprogRow } from './subprog-btf.ts';

function writeRow(view: DataView, at: number, func: LinkedFunc, row: SubprogRow | undefined, isHandler: boolean): void {
  const flags = (func.global === true ? abi.SPF_GLOBAL : 0) | (isHandler ? abi.SPF_EXCEPTION_CB : 0);
  view.setUint32(at + abi.SP_START, func.start, true);
  view.setUint32(at + abi.SP_FLAGS, flags | (row?.flags ?? 0), true);
  view.setUint32(at + abi.SP_ARG_COUNT, row?.args.length ?? 0, true);
  row?.args.forEach((arg, i) => {
    const to = at + abi.SP_ARGS + i * abi.SA_SIZE;
    view.setUint32(to + abi.SA_KIND, arg.kind, true);
    view.setUint32(to + abi.SA_FLAGS, arg.flags, true);
    view.setUint32(to + abi.SA_SIZE_OR_STRUCT, arg.size, true);
  });
}

/** `ctxName`: the struct that the program's ctx is, by which global functions' BTF names it. */
export function marshalSubprogs(input: InputWriter, prog: LinkedProg, ctxName: string): void {
  const { btf, funcs } = prog;
  const entry = funcs[0]?.btfId;
  const handler = btf === undefined || entry === undefined ? undefined : exceptionCallback(btf, entry);
  const bytes = new Uint8Array(funcs.length * abi.SP_SIZE);
  const view = new DataView(bytes.buffer);
  funcs.forEach((func, i) => {
    const row = btf === undefined || func.btfId === undefined ? undefined : subprogRow(btf, func.btfId, ctxName);
    writeRow(view, i * abi.SP_SIZE, func, row, handler !== undefined && func.name === handler);
  });
  input.table(abi.INPUT_SUBPROGS, bytes, abi.INPUT_SUBPROG_COUNT, funcs.length);
}
