// bpf_str*: kfuncs on strings whose ends nobody knows.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_strcmp(const char *a, const char *b) __ksym;
extern int bpf_strcasecmp(const char *a, const char *b) __ksym;
extern int bpf_strchr(const char *s, char c) __ksym;
extern int bpf_strchrnul(const char *s, char c) __ksym;
extern int bpf_strnchr(const char *s, unsigned long count, char c) __ksym;
extern int bpf_strrchr(const char *s, int c) __ksym;
extern int bpf_strlen(const char *s) __ksym;
extern int bpf_strnlen(const char *s, unsigned long count) __ksym;
extern int bpf_strspn(const char *s, const char *accept) __ksym;
extern int bpf_strcspn(const char *s, const char *reject) __ksym;
extern int bpf_strstr(const char *s, const char *needle) __ksym;
extern int bpf_strnstr(const char *s, const char *needle, unsigned long len) __ksym;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 40);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static void note(__u32 slot, long value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, char[70000]);
} long_text SEC(".maps");

// Two strings of 15 bytes at most from the packet, a character and a count.
SEC("xdp")
int strings(struct xdp_md *ctx) {
  char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  char a[16], b[16];
  if (data + 32 > end) return XDP_ABORTED;
  __builtin_memcpy(a, data, 15);
  __builtin_memcpy(b, data + 15, 15);
  a[15] = b[15] = 0;
  char c = data[30];
  __u32 count = data[31] & 31;
  note(0, bpf_strcmp(a, b));
  note(1, bpf_strcasecmp(a, b));
  note(2, bpf_strchr(a, c));
  note(3, bpf_strchrnul(a, c));
  note(4, bpf_strnchr(a, count, c));
  note(5, bpf_strrchr(a, c));
  note(6, bpf_strlen(a));
  note(7, bpf_strnlen(a, count));
  note(8, bpf_strspn(a, b));
  note(9, bpf_strcspn(a, b));
  note(10, bpf_strstr(a, b));
  note(11, bpf_strnstr(a, b, count));
  note(12, bpf_strnstr(a, b, 0));
  note(13, bpf_strnchr(a, 0, c));
  return XDP_PASS;
}

static long fill(__u32 i, void *text) {
  __u64 eight = 0x6161616161616161;
  if (i < 8749) __builtin_memcpy(*(char **)text + 8 * i, &eight, 8);
  return 0;
}

SEC("xdp")
int refused(struct xdp_md *ctx) {
  __u32 zero = 0;
  char *text = bpf_map_lookup_elem(&long_text, &zero);
  if (!text) return XDP_ABORTED;
  char *null = (char *)0, *low = (char *)4096, *wild = (char *)(0xffff81ull << 40);
  note(14, bpf_strlen(null));
  note(15, bpf_strcmp(null, "a"));
  note(16, bpf_strcmp("a", low));
  note(17, bpf_strlen(wild));
  note(18, bpf_strchr(wild, 'a'));
  note(19, bpf_strstr("a", null));
  note(20, bpf_strspn("a", wild));
  note(21, bpf_strnstr("a", wild, 0));
  bpf_loop(8749, fill, &text, 0);
  note(22, bpf_strlen(text));
  note(23, bpf_strnlen(text, 65536));
  note(24, bpf_strnlen(text, 65535));
  note(25, bpf_strchr(text, 'b'));
  note(26, bpf_strchrnul(text, 'b'));
  note(27, bpf_strrchr(text, 'a'));
  note(28, bpf_strcmp(text, text));
  note(29, bpf_strspn(text, "a"));
  note(30, bpf_strcspn(text, "b"));
  note(31, bpf_strspn("b", text));
  note(32, bpf_strstr(text, "b"));
  note(33, bpf_strstr(text, text));
  note(34, bpf_strnchr(text, 65536, 'b'));
  note(35, bpf_strnchr(text, 65537, 'b'));
  note(36, bpf_strrchr("abcabc", 'b' + 256));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
