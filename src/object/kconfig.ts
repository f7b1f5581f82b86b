/** Values of kernel configuration externs (`__kconfig`): what a configuration file's text means for a type, and what stands where nobody says. */
import { resolve } from '../btf/resolve.ts';
import type { Btf, BtfType } from '../btf/types.ts';
import type { BtfInput } from '../btf/value.ts';

/** libbpf's `enum libbpf_tristate`. */
const TRISTATE: Readonly<Record<string, number>> = { n: 0, y: 1, m: 2 };
const BOOL: Readonly<Record<string, boolean>> = { n: false, y: true };

/** Options that such a kernel has built in. */
const BUILT_IN = [
  '64BIT',
  'BPF',
  'BPF_EVENTS',
  'BPF_JIT',
  'BPF_SYSCALL',
  'CGROUPS',
  'CGROUP_BPF',
  'HAVE_EBPF_JIT',
  'INET',
  'IPV6',
  'NET',
  'NETFILTER',
  'NET_ACT_BPF',
  'NET_CLS_BPF',
  'NET_SCHED',
  'NF_CONNTRACK',
  'PREEMPT_DYNAMIC',
  'SMP',
  'VLAN_8021Q',
  'XDP_SOCKETS',
];

/**
 * Values of a kernel like the one that verdicts are held against; a user's own count (`setKconfig`). LINUX_* are libbpf's: they tell of the
 * kernel's version and abilities, and are in no configuration file.
 */
const DEFAULTS: ReadonlyMap<string, number | 'y'> = new Map<string, number | 'y'>([
  ['LINUX_KERNEL_VERSION', (6 << 16) | (18 << 8)],
  ['LINUX_HAS_BPF_COOKIE', 1],
  ['LINUX_HAS_SYSCALL_WRAPPER', 1],
  ['CONFIG_HZ', 250],
  ['CONFIG_NR_CPUS', 128],
  ['CONFIG_PAGE_SHIFT', 12],
  ['CONFIG_PGTABLE_LEVELS', 5],
  ...BUILT_IN.map((name) => [`CONFIG_${name}`, 'y'] as const),
]);

/** What an extern is of; its BTF id may be the variable's. */
function typeOfExtern(btf: Btf, id: number): BtfType {
  const type = resolve(btf, id);
  return type.kind === 'var' ? resolve(btf, type.type) : type;
}

/** A value as the extern's type takes it. Text is that of a configuration file: `y`, `m`, `n`, numbers. */
export function kconfigInput(btf: Btf, id: number, value: BtfInput): BtfInput {
  if (typeof value !== 'string') return value;
  const type = typeOfExtern(btf, id);
  if (type.kind === 'enum') return TRISTATE[value] ?? value;
  if (type.kind !== 'int') return value;
  if (type.encoding === 'bool') return BOOL[value] ?? value;
  const [, sign, digits] = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(value) ?? [];
  if (digits !== undefined) return sign === '-' ? -BigInt(digits) : BigInt(digits);
  // `extern char CONFIG_X`: the letter itself.
  return type.size === 1 && value.length === 1 ? value.charCodeAt(0) : value;
}

/** What an extern is when nobody says; undefined where nothing is known that its type could hold. */
export function kconfigDefault(btf: Btf, name: string, id: number): BtfInput | undefined {
  const value = DEFAULTS.get(name);
  const type = typeOfExtern(btf, id);
  if (value === 'y') {
    const holds = type.kind === 'int' ? type.size === 1 : type.kind === 'enum' && type.name === 'libbpf_tristate';
    return holds ? kconfigInput(btf, id, value) : undefined;
  }
  if (value === undefined || type.kind !== 'int') return undefined;
  if (type.encoding === 'bool') return value !== 0;
  return value < 2 ** (8 * type.size - 1) ? value : undefined;
}
