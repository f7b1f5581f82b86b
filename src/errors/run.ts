/** Error rows of the engine at run time: code -> text. */
const ERRNO_TEXT: Record<number, string> = {
  1: 'EPERM: operation not permitted',
  2: 'ENOENT: no such element',
  7: 'E2BIG: the map is full, or the index is out of range',
  11: 'EAGAIN: try again',
  12: 'ENOMEM: out of memory',
  16: 'EBUSY: busy',
  17: 'EEXIST: the element exists already',
  19: 'ENODEV: no such device or CPU',
  22: 'EINVAL: invalid argument',
  28: 'ENOSPC: the map is full, or the batch is too small',
  95: 'EOPNOTSUPP: operation not supported',
  75: 'EOVERFLOW: value too large',
  524: 'ENOTSUPP: operation not supported',
};

export const RUN_ERRORS = {
  RUN_INTERNAL: (f: { detail: string }) => `internal error in the runtime: ${f.detail}; please report it`,
  RUN_MEMORY: (f: { what: string; bytes: number }) =>
    `out of memory: ${f.what} needs ${f.bytes} bytes; give Engine.create a larger memory (maximumPages)`,
  RUN_TABLE_FULL: (f: { wanted: number; used: number; limit: number }) =>
    `the function table is full: ${f.wanted} slots wanted, ${f.used} of ${f.limit} in use`,
  RUN_CLOSED: (f: { what: string; name: string }) => `${f.what}${f.name === '' ? '' : ` ${f.name}`} is closed`,
  RUN_NO_PROG: (f: { name: string; have: readonly string[] }) =>
    `no program named ${f.name}; there ${f.have.length === 1 ? 'is' : 'are'} ${f.have.join(', ') || 'none'}`,
  RUN_NO_MAP: (f: { name: string; have: readonly string[] }) =>
    `no map named ${f.name}; there ${f.have.length === 1 ? 'is' : 'are'} ${f.have.join(', ') || 'none'}`,
  RUN_MAP_TYPE: (f: { map: string; type: number | string; implemented: readonly string[] }) =>
    `map ${f.map}: type ${f.type} is not implemented here; there are ${f.implemented.join(', ')}`,
  RUN_MAP_CREATE: (f: { map: string; errno: number; detail: string }) =>
    `map ${f.map} cannot be created: ${ERRNO_TEXT[f.errno] ?? `errno ${f.errno}`} (${f.detail})`,
  RUN_MAP_OP: (f: { map: string; op: string; errno: number }) =>
    `map ${f.map}: ${f.op} failed: ${ERRNO_TEXT[f.errno] ?? `errno ${f.errno}`}`,
  RUN_READER: (f: { map: string }) =>
    `map ${f.map} has a reader already: EBUSY; end its loop, or call return() of its iterator, first`,
  RUN_MAP_BATCH: (f: { map: string; op: string; errno: number; count: number }) =>
    `map ${f.map}: ${f.op} failed after ${f.count} elements: ${ERRNO_TEXT[f.errno] ?? `errno ${f.errno}`}`,
  RUN_MAP_FROZEN: (f: { map: string }) => `map ${f.map} is read-only: EPERM`,
  RUN_MAP_SIZE: (f: { map: string; what: string; found: number; expected: number }) =>
    `map ${f.map}: a ${f.what} has ${f.expected} bytes, but ${f.found} were given`,
  RUN_MAP_INPUT: (f: { map: string; what: string; found: string; expected: string }) =>
    `map ${f.map}: ${f.found} is no ${f.what}; give ${f.expected}`,
  RUN_PROG_TYPE: (f: { map: string; prog: string; type: string; expected: string }) =>
    `map ${f.map} holds programs of type ${f.expected}; ${f.prog} is ${f.type}: EINVAL`,
  RUN_PINNED: (f: { name: string }) => `a map is pinned as ${f.name} already: EEXIST; unpin it first`,
  RUN_FOREIGN: (f: { what: string; name: string }) => `${f.what} ${f.name} belongs to another engine`,
  RUN_PACKET_SIZE: (f: { bytes: number; limit: number }) =>
    `a packet of ${f.bytes} bytes is too large; the limit is ${f.limit}`,
  RUN_OPTION: (f: { option: string; found: string; expected: string }) =>
    `option ${f.option}: ${f.found} is not ${f.expected}`,
  RUN_NO_DEVICE: (f: { name: string; have: readonly string[] }) =>
    `no device named ${f.name}; there ${f.have.length === 1 ? 'is' : 'are'} ${f.have.join(', ') || 'none'}`,
  RUN_DEVICE_PEER: (f: { name: string; peer: string }) =>
    `device ${f.name} cannot be connected: its peer is ${f.peer}; a link has two ends`,
  RUN_DEVICE_EXISTS: (f: { name: string }) => `device ${f.name} exists already: EEXIST`,
  RUN_DEVICE_BUSY: (f: { device: string; prog: string }) =>
    `device ${f.device} has program ${f.prog} attached already: EBUSY; close that link first`,
  RUN_ATTACH_TYPE: (f: { prog: string; type: string }) =>
    `program ${f.prog} has type ${f.type}; only xdp programs attach to a device, and none that are for entries of maps`,
  RUN_REPLAY_TYPE: (f: { prog: string; type: string }) =>
    `program ${f.prog} has type ${f.type}; only xdp programs run on captures`,
  RUN_FILTER_TYPE: (f: { prog: string; type: string }) =>
    `program ${f.prog} has type ${f.type}; only socket_filter programs filter captures`,
  RUN_CTX: (f: { field: string; detail: string }) => `context field ${f.field}: ${f.detail}`,
  RUN_NETWORK: (f: { field: string; found: string; expected: string }) =>
    `network: ${f.field}: ${f.found} is not ${f.expected}`,
  RUN_NETWORK_EXISTS: (f: { field: string; what: string }) => `network: ${f.field}: there is ${f.what} already: EEXIST`,
  RUN_NOT_SHARED: (f: { wanted: number; have: number }) =>
    `${f.wanted} workers, but the engine has ${f.have}: create it with { workers: ${f.wanted} }`,
  RUN_ALONE: (f: { prog: string; reason: string }) => `program ${f.prog} cannot run on several workers: ${f.reason}`,
  RUN_WORKERS: (f: { reason: string }) => `workers cannot be used: ${f.reason}`,
  RUN_WORKER: (f: { worker: number; reason: string }) =>
    `worker ${f.worker} failed: ${f.reason}; the engine has no workers any more`,
  RUN_BUSY: (f: { what: string }) => `${f.what} while a program runs: wait until the batch is done`,
};
