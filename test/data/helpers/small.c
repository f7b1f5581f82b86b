// Helpers on strings, numbers, memory nobody has checked, locks, and the machine.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_res_spin_lock {
  __u32 val;
};

extern int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __ksym;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __ksym;
extern int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock, unsigned long *flags) __ksym;
extern void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock, unsigned long *flags) __ksym;
extern void bpf_local_irq_save(unsigned long *flags) __ksym;
extern void bpf_local_irq_restore(unsigned long *flags) __ksym;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

struct text {
  char bytes[64];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 32);
  __type(key, __u32);
  __type(value, struct text);
} texts SEC(".maps");

struct locked {
  struct bpf_spin_lock lock;
  __u32 count;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct locked);
} locks SEC(".maps");

struct resilient {
  struct bpf_res_spin_lock lock;
  __u32 count;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct resilient);
} resilient SEC(".maps");

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static char *text(__u32 slot) {
  struct text *text = bpf_map_lookup_elem(&texts, &slot);
  return text ? text->bytes : 0;
}

// The test puts what is to be read into the packet: size, flags, then the text.
SEC("xdp")
int numbers(struct xdp_md *ctx) {
  char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  char copy[32] = {};
  long number = 77;
  if (data + 34 > end) return XDP_ABORTED;
  __builtin_memcpy(copy, data + 2, 32);
  __u64 size = data[0] & 31, flags = (__u8)data[1];
  if (!size) return XDP_DROP;
  note(0, bpf_strtol(copy, size, flags, &number));
  note(1, number);
  unsigned long unsigned_number = 78;
  note(2, bpf_strtoul(copy, size, flags, &unsigned_number));
  note(3, unsigned_number);
  note(4, bpf_strtol(copy, size, flags | 1ull << 40, &number));
  note(5, bpf_strncmp(copy, size, "12345"));
  note(6, bpf_strncmp(copy, size, ""));
  note(7, bpf_strncmp(copy, size, "0x"));
  return XDP_PASS;
}

SEC("xdp")
int printing(struct xdp_md *ctx) {
  __u64 length = bpf_xdp_get_buff_len(ctx);
  char *t0 = text(0), *t1 = text(1), *t2 = text(2), *t3 = text(3);
  if (!t0 || !t1 || !t2 || !t3) return XDP_ABORTED;
  static const char plain[] = "plain";
  static const char format[] = "%d-%5u|%-6x|%s:%c%%";
  static const char wide[] = "%030llx %llu %s";
  static const char text_arg[] = "some text";
  __u64 args[] = {length, length * 7, 0xbeef, (long)text_arg, 'A' + (length & 15)};
  __u64 wides[] = {length << 40, -1ull, (long)text_arg};
  note(8, bpf_snprintf(t0, 64, plain, 0, 0));
  note(9, bpf_snprintf(t1, 64, format, args, sizeof(args)));
  note(10, bpf_snprintf(t2, length & 15, format, args, sizeof(args)));
  note(11, bpf_snprintf(t3, 64, wide, wides, sizeof(wides)));
  note(12, bpf_snprintf(0, 0, wide, wides, sizeof(wides)));
  note(13, bpf_snprintf(t3, 1, plain, 0, 0));
  return XDP_PASS;
}

SEC("xdp")
int probes(struct xdp_md *ctx) {
  __u64 length = bpf_xdp_get_buff_len(ctx);
  char *t4 = text(4), *t5 = text(5), *t6 = text(6), *t7 = text(7), *t8 = text(8), *t9 = text(9);
  if (!t4 || !t5 || !t6 || !t7 || !t8 || !t9) return XDP_ABORTED;
  static const char source[] = "copied by address";
  char stack[24] = "on the stack";
  note(16, bpf_probe_read_kernel(t4, length & 15, source));
  note(17, bpf_probe_read_kernel(t5, sizeof(stack), stack));
  note(18, bpf_probe_read_kernel(t6, 14, (void *)(long)ctx->data));
  note(19, bpf_probe_read_kernel_str(t7, 64, source));
  note(20, bpf_probe_read_kernel_str(t8, length & 15, source));
  note(21, bpf_probe_read_kernel_str(t9, 0, source));
  t9[0] = t9[1] = t9[60] = 'x';
  note(22, bpf_probe_read_kernel(t9, 40, 0));
  note(23, bpf_probe_read_kernel(t9, 0, 0));
  t9[3] = 'x';
  note(24, bpf_probe_read_kernel_str(t9, 20, (void *)8));
  t9[3] = 'x';
  note(25, bpf_probe_read_user(t9, 20, 0));
  note(26, bpf_probe_read_user(t9, 20, (void *)(1ull << 63)));
  note(27, bpf_probe_read_user(t9, 0, 0));
  note(28, bpf_probe_read_user(t9, 0, (void *)(1ull << 63)));
  t9[3] = 'x';
  note(29, bpf_probe_read_user_str(t9, 20, (void *)8));
  note(30, bpf_probe_read_user_str(t9, 0, (void *)8));
  note(31, bpf_probe_read_kernel(t9, 20, (void *)(0xffff81ull << 40)));
  // Two elements side by side.
  note(32, bpf_probe_read_kernel(stack, 24, t5 + 52));
  __u64 word;
  __builtin_memcpy(&word, stack, 8);
  note(33, word);
  return XDP_PASS;
}

SEC("xdp")
int locking(struct xdp_md *ctx) {
  __u32 slot = (ctx->data_end - ctx->data) & 1;
  struct locked *one = bpf_map_lookup_elem(&locks, &slot);
  if (!one) return XDP_ABORTED;
  for (int i = 0; i < 3; i++) {
    bpf_spin_lock(&one->lock);
    one->count += i + 1;
    bpf_spin_unlock(&one->lock);
  }
  unsigned long flags;
  bpf_local_irq_save(&flags);
  note(34, one->count);
  bpf_local_irq_restore(&flags);
  return XDP_PASS;
}

// Held twice by one program: the second time is refused.
SEC("xdp")
int deadlock(struct xdp_md *ctx) {
  __u32 zero = 0, slot = (ctx->data_end - ctx->data) & 1;
  struct resilient *one = bpf_map_lookup_elem(&resilient, &zero);
  struct resilient *other = bpf_map_lookup_elem(&resilient, &slot);
  if (!one || !other) return XDP_ABORTED;
  unsigned long flags;
  int first = bpf_res_spin_lock(&one->lock), second = 1;
  if (!first) {
    second = bpf_res_spin_lock(&other->lock);
    if (!second) bpf_res_spin_unlock(&other->lock);
    bpf_res_spin_unlock(&one->lock);
  }
  note(35, first);
  note(36, second);
  first = bpf_res_spin_lock_irqsave(&one->lock, &flags);
  if (!first) bpf_res_spin_unlock_irqrestore(&one->lock, &flags);
  note(37, first);
  return XDP_PASS;
}

// Equal in both with the options of the test.
SEC("xdp")
int machine(struct xdp_md *ctx) {
  char *t10 = text(10), *t11 = text(11);
  if (!t10 || !t11) return XDP_ABORTED;
  note(40, bpf_get_current_pid_tgid());
  note(41, bpf_get_current_uid_gid());
  note(42, bpf_get_current_comm(t10, 16));
  note(43, bpf_get_current_comm(t11, 4));
  note(44, bpf_get_current_cgroup_id());
  note(45, bpf_get_current_ancestor_cgroup_id(0));
  note(46, bpf_get_current_ancestor_cgroup_id(60));
  note(47, bpf_get_current_ancestor_cgroup_id(-1));
  note(48, bpf_get_numa_node_id());
  note(49, ((__u32(*)(void))BPF_FUNC_get_cgroup_classid)());
  struct bpf_pidns_info info = {5, 6};
  note(50, bpf_get_ns_current_pid_tgid(4, 5, &info, sizeof(info)));
  note(51, info.pid);
  note(52, bpf_get_branch_snapshot(t11 + 8, 24, 0));
  note(53, bpf_get_branch_snapshot(t11 + 8, 23, 0));
  note(54, bpf_get_branch_snapshot(t11 + 8, 24, 1));
  note(55, bpf_get_current_task() > 1ull << 32);
  return XDP_PASS;
}

// Held up against one another: 0 for what must be.
SEC("xdp")
int clocks(struct xdp_md *ctx) {
  __u64 coarse = bpf_ktime_get_coarse_ns();
  __u64 now = bpf_ktime_get_ns();
  __u64 boot = bpf_ktime_get_boot_ns();
  __u64 tai = bpf_ktime_get_tai_ns();
  __u64 ticks = bpf_jiffies64();
  __u64 wanted = (__u32)(-300 * 250) + now / 4000000;
  note(56, coarse > now || now - coarse > 1000000000);
  note(57, boot < now || boot - now > 1000000000);
  note(58, tai < now);
  note(59, ticks > wanted + 250 || wanted > ticks + 250);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
