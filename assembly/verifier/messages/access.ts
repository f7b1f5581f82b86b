// Codes of the messages about loads, stores and the memory that calls are given (200..399); texts in src/verifier/messages/access.ts.

// Insns.
export const MSG_DIFFERENT_POINTERS = 200;
export const MSG_LEAKS_INTO_MEM = 201;
export const MSG_ATOMIC_STORE_TYPE = 202;
export const MSG_ATOMIC_LOAD_TYPE = 203;
export const MSG_LEGACY_LOAD_TYPE = 204;
export const MSG_LEGACY_LOAD_R6 = 205;

// Any pointer.
export const MSG_INVALID_MEM_ACCESS = 210;
export const MSG_MISALIGNED_PACKET = 211;
export const MSG_MISALIGNED = 212;
export const MSG_NEGATIVE_PTR_OFF = 213;
export const MSG_MODIFIED_PTR = 214;
export const MSG_VARIABLE_PTR = 215;
export const MSG_MIN_NEGATIVE = 216;
export const MSG_MIN_OUTSIDE = 217;
export const MSG_MAX_UNBOUNDED = 218;
export const MSG_MAX_OUTSIDE = 219;
export const MSG_CANNOT_WRITE = 220;
export const MSG_REGION_TYPE = 221;
export const MSG_MEM_BOUNDS = 222;

// Map values, keys and maps.
export const MSG_KEY_WRITE = 230;
export const MSG_KEY_BOUNDS = 231;
export const MSG_LEAKS_INTO_MAP = 232;
export const MSG_MAP_BOUNDS = 233;
export const MSG_MAP_WRITE_FORBIDDEN = 234;
export const MSG_MAP_READ_FORBIDDEN = 235;
export const MSG_FIELD_BY_HELPER = 236;
export const MSG_FIELD_VARIABLE = 237;
export const MSG_FIELD_MISALIGNED = 238;
export const MSG_FIELD_SIZE = 239;
export const MSG_FIELD_DIRECT = 240;
export const MSG_KPTR_MODE = 241;
export const MSG_KPTR_REF_STORE = 242;
export const MSG_UPTR_STORE = 243;
export const MSG_KPTR_IMM = 244;
export const MSG_KPTR_TYPE = 245;
export const MSG_KPTR_TYPE_UNREF = 246;
export const MSG_MAP_STRUCT_PERFMON = 248;
export const MSG_MAP_STRUCT_NEGATIVE = 249;
export const MSG_MAP_STRUCT_WRITE = 250;
export const MSG_MAP_STRUCT_BOUNDS = 251;

// Packet, ctx, sockets.
export const MSG_PACKET_WRITE = 260;
export const MSG_LEAKS_INTO_PACKET = 261;
export const MSG_PACKET_BOUNDS = 262;
export const MSG_PACKET_OUTSIDE = 263;
export const MSG_LEAKS_INTO_CTX = 264;
export const MSG_CTX_ACCESS = 265;
export const MSG_LEAKS_INTO_FLOW_KEYS = 266;
export const MSG_FLOW_KEYS_BOUNDS = 267;
export const MSG_SOCK_ACCESS = 268;

// Stack.
export const MSG_STACK_UNBOUNDED = 280;
export const MSG_STACK_BOUNDS = 281;
export const MSG_STACK_VARIABLE_BOUNDS = 282;
export const MSG_STACK_VARIABLE_NO_REG = 283;
export const MSG_STACK_FILL_SIZE = 284;
export const MSG_STACK_INVALID_READ = 285;
export const MSG_STACK_LEAK = 286;
export const MSG_STACK_CORRUPT = 287;
export const MSG_STACK_SPILL_SIZE = 288;
export const MSG_STACK_SPILL_CALLER = 289;
export const MSG_STACK_VARIABLE_SPILL = 290;
export const MSG_STACK_VARIABLE_UNINIT = 291;
export const MSG_STACK_ZERO_READ = 292;
export const MSG_STACK_VARIABLE_UNPRIVILEGED = 293;
export const MSG_STACK_DYNPTR_WRITE = 294;
export const MSG_STACK_REGION_READ = 295;
export const MSG_STACK_REGION_VARIABLE_READ = 296;

// Structs.
export const MSG_STRUCT_PERFMON = 310;
export const MSG_STRUCT_GPL = 311;
export const MSG_STRUCT_NEGATIVE = 312;
export const MSG_STRUCT_VARIABLE = 313;
export const MSG_STRUCT_USER = 314;
export const MSG_STRUCT_PERCPU = 315;
export const MSG_STRUCT_READ_ONLY = 316;
export const MSG_STRUCT_BOUNDS = 317;
export const MSG_STRUCT_POINTER = 318;
export const MSG_STRUCT_HOLE = 319;
export const MSG_STRUCT_FIELD = 320;
export const MSG_STRUCT_MEMBER_BOUNDS = 321;
export const MSG_MAP_STRUCT_HOLE = 322;
export const MSG_MAP_STRUCT_POINTER = 323;
export const MSG_MAP_STRUCT_MEMBER = 324;
