/** Functions of a program -> rows of INPUT_SUBPROGS. */
import * as abi from '../../assembly/verifier/abi.ts';
import type { LinkedProg } from '../link/types.ts';
import type { InputWriter } from './instance.ts';

export function marshalSubprogs(input: InputWriter, prog: LinkedProg): void {
  const bytes = new Uint8Array(prog.funcs.length * abi.SP_SIZE);
  const view = new DataView(bytes.buffer);
  prog.funcs.forEach((func, i) => {
    view.setUint32(i * abi.SP_SIZE + abi.SP_START, func.start, true);
  });
  input.table(abi.INPUT_SUBPROGS, bytes, abi.INPUT_SUBPROG_COUNT, prog.funcs.length);
}
