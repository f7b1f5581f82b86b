// All examples that have a model.
import { dnsResponder } from './dns_responder/model.ts';
import type { Example } from './example.ts';
import { loadBalancer } from './load_balancer/model.ts';

export const EXAMPLES: readonly Example[] = [dnsResponder, loadBalancer];
