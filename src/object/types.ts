/** What an object file declares, before anything is resolved: editable until `link` reads it. Words are libbpf's. */
import type { Btf, BtfExt } from '../btf/types.ts';

/** libbpf's program types, as strings in bpftool's spelling. */
export type ProgType =
  | 'unspec'
  | 'socket_filter'
  | 'kprobe'
  | 'sched_cls'
  | 'sched_act'
  | 'tracepoint'
  | 'xdp'
  | 'perf_event'
  | 'cgroup_skb'
  | 'cgroup_sock'
  | 'lwt_in'
  | 'lwt_out'
  | 'lwt_xmit'
  | 'sock_ops'
  | 'sk_skb'
  | 'cgroup_device'
  | 'sk_msg'
  | 'raw_tracepoint'
  | 'cgroup_sock_addr'
  | 'lwt_seg6local'
  | 'lirc_mode2'
  | 'sk_reuseport'
  | 'flow_dissector'
  | 'cgroup_sysctl'
  | 'raw_tracepoint_writable'
  | 'cgroup_sockopt'
  | 'tracing'
  | 'struct_ops'
  | 'ext'
  | 'lsm'
  | 'sk_lookup'
  | 'syscall'
  | 'netfilter';

/** One program as the object declares it. Fields that are not readonly may be set between open and load. */
export interface ProgSpec {
  readonly name: string;
  /** Section name as in the file, e.g. `xdp` or `?tc/ingress`. */
  readonly section: string;
  type: ProgType;
  /** enum bpf_attach_type; -1 where the section name says nothing. */
  expectedAttachType: number;
  /** What follows the slash in a section name (`kprobe/FUNC`), '' without. */
  readonly attachTo: string;
  /** Section flags such as `xdp.frags`. */
  readonly frags: boolean;
  readonly sleepable: boolean;
  /** Load it with the object; `SEC("?...")` starts as false. */
  autoload: boolean;
  readonly global: boolean;
  /** Section index and byte range of its instructions in the ELF file. */
  readonly sectionIndex: number;
  readonly offset: number;
  readonly size: number;
}

/** A function that programs call: static or global subprograms of `.text` and of other sections. */
export interface SubprogSpec {
  readonly name: string;
  readonly sectionIndex: number;
  readonly offset: number;
  readonly size: number;
  readonly global: boolean;
  /** `__hidden`: global to the object file, static to the kernel. */
  readonly hidden?: boolean;
}

/** A wish for a map; `X` = live thing, `XSpec` = wish. Fields that are not readonly may be set between open and load. */
export interface MapSpec {
  readonly name: string;
  /** enum bpf_map_type */
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  /** BPF_F_* */
  flags: number;
  /** LIBBPF_PIN_*, or the unknown number the object has. */
  pinning: number;
  numaNode: number;
  mapExtra: bigint;
  /** BTF type ids, 0 without. */
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
  /** For map-in-map: the inner map's template. */
  innerMap?: MapSpec;
  /**
   * Initial contents by index: the names of programs or maps; undefined for a hole. From `__array(values, ...)`, a function's tag
   * `tail:MAP/SLOT`, or iproute2's section name `M/N`; a user may change them.
   */
  readonly initialSlots: (string | undefined)[];
  /** iproute2's `id` in `struct bpf_elf_map`, by which section names refer to the map. */
  readonly legacyId?: number;
  /** Data sections (.rodata, .data, .bss, ...): initial bytes of value 0; a user may edit them in place before load. */
  readonly initialValue?: Uint8Array;
  /** `rodata` maps are frozen after load; '' for ordinary maps. */
  readonly dataKind: '' | 'rodata' | 'data' | 'bss' | 'kconfig';
  /** ELF section it comes from and offset in it: what relocations refer to. */
  readonly sectionIndex: number;
  readonly offset: number;
}

/** Something the object expects from outside: a kernel configuration value, a kernel symbol, a kfunc. */
export interface ExternSpec {
  readonly name: string;
  readonly kind: 'kconfig' | 'ksym' | 'kfunc';
  readonly weak: boolean;
  /** BTF id of its variable or function. */
  readonly btfTypeId: number;
  /** Kconfig only: where its value is in the `.kconfig` map. */
  readonly offset: number;
  readonly size: number;
  /** Kconfig only: its value unless another is given. */
  readonly initial?: Uint8Array;
  /** Kconfig only: a value has been given (`setKconfig`), or it is weak and stays 0. */
  resolved: boolean;
}

export interface BpfObject {
  readonly name: string;
  readonly license: string;
  readonly gplCompatible: boolean;
  /** `version` section, 0 without. */
  readonly kernVersion: number;
  readonly progs: readonly ProgSpec[];
  readonly subprogs: readonly SubprogSpec[];
  readonly maps: readonly MapSpec[];
  readonly externs: readonly ExternSpec[];
  readonly btf: Btf | undefined;
  readonly btfExt: BtfExt | undefined;
  readonly elf: import('../elf/types.ts').ElfFile;
}
