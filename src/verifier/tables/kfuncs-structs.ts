/**
 * Kernel structs that arguments and returns of kfuncs and helpers name: their sizes in Linux 6.18, and whether they hold scalars only, so that
 * memory of the program may stand for one. Sizes of UAPI structs, of iterators and of fields of map values do not change;
 * those of kernel objects do, but programs never need them: such a pointer is known by its struct, not by its bytes.
 * Where a program reads fields of a kernel object, their offsets are in its relocations, resolved against a vmlinux BTF by the link
 * stage; the same BTF (parseBtf) then has the struct by name with its members, and a size here is to be taken from there.
 */
export interface KernelStruct {
  readonly name: string;
  readonly size: number;
  /** Ints, enums, arrays and structs of them: no pointers. */
  readonly scalars: boolean;
}

function struct(name: string, size: number, scalars: boolean): KernelStruct {
  return { name, size, scalars };
}

export const KERNEL_STRUCTS: readonly KernelStruct[] = [
  struct('__sk_buff', 192, false),
  struct('bpf_crypto_ctx', 48, false),
  struct('bpf_ct_opts', 16, true),
  struct('bpf_dynptr', 16, true),
  struct('bpf_iter_bits', 16, true),
  struct('bpf_iter_css', 24, true),
  struct('bpf_iter_css_task', 8, true),
  struct('bpf_iter_dmabuf', 8, true),
  struct('bpf_iter_kmem_cache', 8, true),
  struct('bpf_iter_num', 8, true),
  struct('bpf_iter_task', 24, true),
  struct('bpf_iter_task_vma', 8, true),
  struct('bpf_key', 16, false),
  struct('bpf_list_head', 16, true),
  struct('bpf_list_node', 24, true),
  struct('bpf_map', 296, false),
  struct('bpf_rb_node', 32, true),
  struct('bpf_rb_root', 16, true),
  struct('bpf_res_spin_lock', 4, true),
  struct('bpf_sock_addr_kern', 40, false),
  struct('bpf_sock_ops_kern', 64, false),
  struct('bpf_sock_tuple', 36, true),
  struct('bpf_task_work', 8, true),
  struct('bpf_tcp_req_attrs', 20, true),
  struct('bpf_wq', 16, true),
  struct('bpf_xfrm_state_opts', 36, false),
  struct('cgroup', 2240, false),
  struct('cgroup_subsys_state', 208, false),
  struct('dma_buf', 232, false),
  struct('kmem_cache', 8416, false),
  struct('nf_conn', 248, false),
  struct('nf_conn___init', 248, false),
  struct('nf_inet_addr', 16, true),
  struct('prog_test_member', 8, true),
  struct('prog_test_ref_kfunc', 32, false),
  struct('sock', 784, false),
  struct('task_struct', 3264, false),
  struct('vm_area_struct', 192, false),
  struct('xdp_md', 24, true),
  struct('xfrm_state', 816, false),
];
