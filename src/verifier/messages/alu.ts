/** Texts of assembly/verifier/messages/alu.ts. */
import * as m from '../../../assembly/verifier/messages/alu.ts';
import type { MessageRows } from './row.ts';

export const aluMessages = (): MessageRows => ({
  [m.MSG_ARITH_PROHIBITED]: { text: 'R%0 pointer arithmetic prohibited', class: 'rights' },
  [m.MSG_SEXT_POINTER]: { text: 'R%0 sign-extension part of pointer', class: 'rights' },
  [m.MSG_PARTIAL_COPY]: { text: 'R%0 partial copy of pointer', class: 'rights' },
  [m.MSG_POINTER_OP_POINTER]: { text: 'R%0 pointer %1:aluop pointer prohibited', class: 'safety' },
  [m.MSG_ARITH_32]: { text: 'R%0 32-bit pointer arithmetic prohibited', class: 'safety' },
  [m.MSG_ARITH_MAYBE_NULL]: {
    text: 'R%0 pointer arithmetic on %1:regtype prohibited, null-check it first',
    class: 'safety',
  },
  [m.MSG_ARITH_ON_TYPE]: { text: 'R%0 pointer arithmetic on %1:regtype prohibited', class: 'safety' },
  [m.MSG_MATH_CONST]: { text: 'math between %0:regtype pointer and %1 is not allowed', class: 'safety' },
  [m.MSG_OFFSET_TOO_LARGE]: { text: '%0:regtype pointer offset %1 is not allowed', class: 'safety' },
  [m.MSG_MATH_UNBOUNDED]: {
    text: 'math between %0:regtype pointer and register with unbounded min value is not allowed',
    class: 'safety',
  },
  [m.MSG_VALUE_OUT_OF_BOUNDS]: { text: 'value %0 makes %1:regtype pointer be out of bounds', class: 'safety' },
  [m.MSG_SUB_FROM_SCALAR]: { text: 'R%0 tried to subtract pointer from scalar', class: 'safety' },
  [m.MSG_SUB_FROM_STACK]: { text: 'R%0 subtraction from stack pointer prohibited', class: 'safety' },
  [m.MSG_BITWISE_ON_POINTER]: { text: 'R%0 bitwise operator %1:aluop on pointer prohibited', class: 'safety' },
  [m.MSG_OPERATOR_ON_POINTER]: {
    text: 'R%0 pointer arithmetic with %1:aluop operator prohibited',
    class: 'safety',
  },
  [m.MSG_NO_ARENA]: {
    text: 'addr_space_cast insn can only be used in a program that has an associated arena',
    class: 'form',
  },
  [m.MSG_COMPARE_PROHIBITED]: { text: 'R%0 pointer comparison prohibited', class: 'rights' },
  [m.MSG_STACK_ARITH_VARIABLE]: {
    text: 'R%0 variable stack access prohibited for !root, var_off=%1:tnum off=%3',
    class: 'rights',
  },
  [m.MSG_STACK_ARITH_RANGE]: {
    text: 'R%0 stack pointer arithmetic goes out of range, prohibited for !root; off=%1',
    class: 'rights',
  },
  [m.MSG_MAP_ARITH_RANGE]: {
    text: 'R%0 pointer arithmetic of map value goes out of range, prohibited for !root',
    class: 'rights',
  },
  [m.MSG_MIXED_BOUNDS]: { text: 'R%0 has unknown scalar with mixed signed bounds', class: 'rights' },
});
