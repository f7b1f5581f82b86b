/** Which copy of a per-CPU value a program sees: its own CPU's. */
import { MAP_IMPL, VM_CPU } from '../../assembly/abi.ts';
import { type FuncEnv, pushBase } from './env.ts';
import * as w from './opcodes.ts';

/** Puts the running CPU's number on the stack, or 0 if the map has no copy of its own for it; an array has its CPUs at MAP_IMPL. */
export function pushOwnCpu(f: FuncEnv, array: number): void {
  const { code, prog } = f;
  const cpu = code.local('cpu', 'i32');
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_CPU);
  code.tee(cpu);
  code.i32(0);
  code.get(cpu);
  if (prog.cpus === undefined) code.mem(w.I32_LOAD, pushBase(code, prog.map(array)) + MAP_IMPL);
  else code.i32(prog.cpus);
  code.op(w.I32_LT_U, w.SELECT);
}
