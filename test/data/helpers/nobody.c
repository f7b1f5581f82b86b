// Tasks and control groups that are not there, and what would be done with them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct task_struct;
struct cgroup;

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern struct task_struct *bpf_task_from_vpid(int vpid) __ksym;
extern struct cgroup *bpf_task_get_cgroup1(struct task_struct *task, int hierarchy_id) __ksym;
extern long bpf_task_under_cgroup(struct task_struct *task, struct cgroup *ancestor) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) __ksym;
extern struct cgroup *bpf_cgroup_from_id(unsigned long long cgid) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

#define NO_PID 0x7ffffff0
#define NO_CGROUP 0x7ffffffffff0ULL

static int with_task(struct task_struct *task) {
  int found = 1;
  struct task_struct *again = bpf_task_acquire(task);
  if (again) {
    found |= 2;
    bpf_task_release(again);
  }
  struct cgroup *old = bpf_task_get_cgroup1(task, 1);
  if (old) {
    found |= 4;
    bpf_cgroup_release(old);
  }
  bpf_task_release(task);
  return found;
}

SEC("xdp")
int tasks(struct xdp_md *ctx) {
  int found = 0;
  struct task_struct *task = bpf_task_from_pid(NO_PID);
  if (task) found |= with_task(task);
  task = bpf_task_from_vpid(NO_PID);
  if (task) found |= with_task(task) << 8;
  return found;
}

SEC("xdp")
int groups(struct xdp_md *ctx) {
  int found = 0;
  struct cgroup *group = bpf_cgroup_from_id(NO_CGROUP);
  if (!group) return 0x10;
  struct cgroup *above = bpf_cgroup_ancestor(group, 1);
  if (above) {
    struct cgroup *again = bpf_cgroup_acquire(above);
    if (again) bpf_cgroup_release(again);
    bpf_cgroup_release(above);
    found |= 2;
  }
  struct task_struct *task = bpf_task_from_pid(NO_PID);
  if (task) {
    if (bpf_task_under_cgroup(task, group)) found |= 4;
    bpf_task_release(task);
  }
  bpf_cgroup_release(group);
  return found;
}

// The signal is none: in Linux it reaches the process that runs the test, here there is nobody.
SEC("xdp")
int signals(struct xdp_md *ctx) {
  long one = bpf_send_signal(0);
  long other = bpf_send_signal_thread(0);
  return (one & 0xff) << 8 | (other & 0xff);
}

char _license[] SEC("license") = "GPL";
