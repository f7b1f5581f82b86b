// All examples that have a model.
import { dnsResponder } from './dns_responder/model.ts';
import type { Example } from './example.ts';
import { flowSampler } from './flow_sampler/model.ts';
import { loadBalancer } from './load_balancer/model.ts';
import { nat44 } from './nat44/model.ts';
import { parser } from './parser/model.ts';
import { rateLimit } from './rate_limit/model.ts';
import { synProxy } from './syn_proxy/play.ts';

export const EXAMPLES: readonly Example[] = [
  dnsResponder,
  flowSampler,
  loadBalancer,
  nat44,
  parser,
  rateLimit,
  synProxy,
];
