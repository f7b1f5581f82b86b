// bpf_fib_lookup: the packet holds the arguments behind its Ethernet header and gets the result.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct request {
  __u8 eth[14];
  __u16 size;
  __u32 flags;
  struct bpf_fib_lookup params;
};

SEC("xdp")
int fib(struct xdp_md *ctx) {
  struct request *request = (void *)(long)ctx->data;
  struct bpf_fib_lookup params[2];
  if ((void *)(request + 1) > (void *)(long)ctx->data_end) return -1;
  __builtin_memset(params, 0, sizeof(params));
  params[0] = request->params;
  long result;
  if (request->size == 64) result = bpf_fib_lookup(ctx, params, 64, request->flags);
  else if (request->size < 64) result = bpf_fib_lookup(ctx, params, 63, request->flags);
  else result = bpf_fib_lookup(ctx, params, 128, request->flags);
  request->params = params[0];
  return result;
}

char _license[] SEC("license") = "GPL";
