// Timers and queued work: what is refused, what fires when, and what ends them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CLOCK_MONOTONIC 1
#define TIMER_ABS 1
#define TIMER_CPU_PIN 2

struct bpf_wq {
  __u64 opaque[2];
};

extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int(callback)(void *map, int *key, void *value), unsigned int flags,
                                    void *aux) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;

struct elem {
  __u64 fired;
  struct bpf_timer timer;
  __u64 left;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct elem);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct elem);
} table SEC(".maps");

struct work {
  struct bpf_wq wq;
  __u64 done;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct work);
} works SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 40);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

struct record {
  __u64 time;
  __u64 key;
};

// In the order in which things happened: a packet is key 1000.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 512);
  __type(key, __u32);
  __type(value, struct record);
} happened SEC(".maps");

__u32 events = 0;

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static void event(__u64 key) {
  __u32 at = events++;
  struct record record = {bpf_ktime_get_ns(), key};
  bpf_map_update_elem(&happened, &at, &record, BPF_ANY);
}

static int fires(void *map, __u32 *key, struct elem *elem) {
  event(*key);
  elem->fired++;
  if (elem->left) {
    elem->left--;
    bpf_timer_start(&elem->timer, 100, 0);
  }
  return 0;
}

// What a callback may do to its own timer and to another one.
static int inside(void *map, __u32 *key, struct elem *elem) {
  __u32 other = 9;
  note(20, bpf_timer_cancel(&elem->timer));
  note(21, bpf_timer_init(&elem->timer, &slots, CLOCK_MONOTONIC));
  struct elem *next = bpf_map_lookup_elem(&slots, &other);
  if (next) {
    note(22, bpf_timer_init(&next->timer, &slots, CLOCK_MONOTONIC));
    note(23, bpf_timer_set_callback(&next->timer, fires));
    note(24, bpf_timer_cancel(&next->timer));
  }
  note(25, *key);
  elem->fired = 1;
  return 0;
}

SEC("xdp")
int codes(struct xdp_md *ctx) {
  __u32 first = 0, second = 1;
  struct elem *elem = bpf_map_lookup_elem(&slots, &first);
  struct elem *other = bpf_map_lookup_elem(&slots, &second);
  if (!elem || !other) return XDP_ABORTED;
  note(0, bpf_timer_set_callback(&elem->timer, fires));
  note(1, bpf_timer_start(&elem->timer, 0, 0));
  note(2, bpf_timer_cancel(&elem->timer));
  note(3, bpf_timer_init(&elem->timer, &slots, 2));
  note(4, bpf_timer_init(&elem->timer, &slots, 16 | CLOCK_MONOTONIC));
  note(5, bpf_timer_init(&elem->timer, &slots, 7));
  note(6, bpf_timer_init(&elem->timer, &slots, CLOCK_MONOTONIC));
  note(7, bpf_timer_start(&elem->timer, 0, 0));
  note(8, bpf_timer_cancel(&elem->timer));
  note(9, bpf_timer_set_callback(&elem->timer, fires));
  note(10, bpf_timer_start(&elem->timer, 1ull << 40, 4));
  note(11, bpf_timer_start(&elem->timer, 1ull << 40, 0));
  note(12, bpf_timer_start(&elem->timer, 1ull << 40, TIMER_CPU_PIN));
  note(13, bpf_timer_cancel(&elem->timer));
  note(14, bpf_timer_cancel(&elem->timer));
  note(15, bpf_timer_start(&elem->timer, 1ull << 40, 0));
  note(16, bpf_timer_init(&other->timer, &slots, 0));
  note(17, bpf_timer_set_callback(&other->timer, inside));
  note(18, bpf_timer_start(&other->timer, 1, 0));
  return XDP_PASS;
}

static int works_on(void *map, int *key, void *value) {
  struct work *work = value;
  note(30, *key);
  work->done++;
  return 0;
}

SEC("xdp")
int work(struct xdp_md *ctx) {
  __u32 slot = 2;
  struct work *work = bpf_map_lookup_elem(&works, &slot);
  if (!work) return XDP_ABORTED;
  note(31, bpf_wq_start(&work->wq, 0));
  note(32, bpf_wq_init(&work->wq, &works, 1));
  note(33, bpf_wq_init(&work->wq, &works, 0));
  note(34, bpf_wq_init(&work->wq, &works, 0));
  note(35, bpf_wq_set_callback_impl(&work->wq, works_on, 0, 0));
  note(36, bpf_wq_start(&work->wq, 1));
  note(37, bpf_wq_start(&work->wq, 0));
  note(38, bpf_wq_start(&work->wq, 0));
  return XDP_PASS;
}

struct order {
  __u32 key;
  __u32 flags;
  __u64 ns;
  __u64 left;
  __u32 what;
};

#define ARM 1
#define ARM_HASH 2
#define CANCEL 3
#define DELETE 4
#define OVERWRITE 5

static int arm(void *map, struct elem *elem, struct order *order) {
  elem->left = order->left;
  bpf_timer_set_callback(&elem->timer, fires);
  return bpf_timer_start(&elem->timer, order->ns, order->flags);
}

// Does what the packet says.
SEC("xdp")
int obey(struct xdp_md *ctx) {
  struct order *order = (void *)(long)ctx->data, copy;
  if ((void *)(order + 1) > (void *)(long)ctx->data_end) return XDP_ABORTED;
  copy = *order;
  event(1000);
  __u32 key = copy.key;
  struct elem *elem, zero = {};
  switch (copy.what) {
    case ARM:
      elem = bpf_map_lookup_elem(&slots, &key);
      if (!elem) return XDP_DROP;
      bpf_timer_init(&elem->timer, &slots, CLOCK_MONOTONIC);
      return arm(&slots, elem, &copy) ? XDP_DROP : XDP_PASS;
    case ARM_HASH:
      bpf_map_update_elem(&table, &key, &zero, BPF_NOEXIST);
      elem = bpf_map_lookup_elem(&table, &key);
      if (!elem) return XDP_DROP;
      bpf_timer_init(&elem->timer, &table, CLOCK_MONOTONIC);
      return arm(&table, elem, &copy) ? XDP_DROP : XDP_PASS;
    case CANCEL:
      elem = bpf_map_lookup_elem(&slots, &key);
      return elem && bpf_timer_cancel(&elem->timer) == 1 ? XDP_PASS : XDP_DROP;
    case DELETE:
      return bpf_map_delete_elem(&table, &key) ? XDP_DROP : XDP_PASS;
    case OVERWRITE:
      return bpf_map_update_elem(&slots, &key, &zero, BPF_ANY) ? XDP_DROP : XDP_PASS;
  }
  return XDP_PASS;
}

// Never comes back within its budget.
static long on_and_on(__u32 index, void *ctx) {
  *(__u64 *)ctx += index;
  return 0;
}

static int hangs(void *map, __u32 *key, struct elem *elem) {
  __u64 sum = 0;
  for (int i = 0; i < 10; i++) bpf_loop(1 << 23, on_and_on, &sum, 0);
  elem->fired = sum;
  return 0;
}

SEC("xdp")
int hang(struct xdp_md *ctx) {
  __u32 key = 3;
  struct elem *elem = bpf_map_lookup_elem(&slots, &key);
  if (!elem) return XDP_ABORTED;
  bpf_timer_init(&elem->timer, &slots, CLOCK_MONOTONIC);
  bpf_timer_set_callback(&elem->timer, hangs);
  return bpf_timer_start(&elem->timer, 5, 0) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
