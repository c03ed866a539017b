import { type Availabilities, createAvailabilities } from "./availabilities.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Customers, createCustomers } from "./customer.ts";
import type { CustomerStanding } from "./operation/instruments.ts";
import { introduceWhenReady, SAMPLE_DELAYS_MS } from "./sample-agents.ts";
import type { Settings } from "./settings.ts";
import { withSlowAgents } from "./slow-agents.ts";
import type { AvailabilityStore } from "./store/availability-store.ts";
import { createTokenVerifier } from "./tokens/verify-token.ts";
import { memoryUpstream } from "./upstream/memory.ts";
import type { Upstream, UpstreamHealth } from "./upstream/upstream.ts";

/** Customers that are served, and what keeps their availabilities current. */
export interface OpenCustomers {
  readonly customers: Customers;
  /** How each of them stands at this moment. */
  standings(): readonly CustomerStanding[];
  /** Ends what keeps them current. */
  stop(): Promise<void>;
}

/** Makes what the settings say of each customer into what the routes serve, and starts the upstreams. */
export async function openCustomers(settings: Settings, store: AvailabilityStore): Promise<OpenCustomers> {
  const upstreams = new Map<string, Upstream>();
  const customers = settings.customers.map(({ id, allowedOrigins, tokens }) => {
    const upstream = memoryUpstream;
    upstreams.set(id, upstream);
    const { staleLimitSeconds, isDemo, anonymousReads } = settings;
    const availabilities = createAvailabilities({ store: store.of(id), upstream, staleLimitSeconds });
    return {
      id,
      allowedOrigins,
      availabilities: isDemo ? withSampleDelays(availabilities) : availabilities,
      access: { verify: createTokenVerifier(tokens, id), anonymousReads },
    };
  });
  const stopping = new AbortController();
  const introduced = settings.isDemo
    ? await introduceWhenReady(settings.defaultCustomer, store, stopping.signal)
    : undefined;
  for (const upstream of upstreams.values()) upstream.start();
  return {
    customers: createCustomers(customers, settings.defaultCustomer),
    standings: () => Array.from(upstreams, ([id, upstream]) => toStanding(id, upstream.health(), systemClock)),
    async stop() {
      stopping.abort();
      await Promise.all([introduced?.done, ...Array.from(upstreams.values(), (upstream) => upstream.stop())]);
    },
  };
}

/** How a customer's upstream stands. What was never read is infinitely old. */
export function toStanding(customer: string, health: UpstreamHealth, clock: Clock): CustomerStanding {
  const { staleSinceMs, budgetLeft } = health;
  const ageSeconds = Math.ceil((clock.monotonicMs() - (staleSinceMs ?? 0)) / 1000);
  return {
    customer,
    staleSeconds: staleSinceMs === undefined ? 0 : staleSinceMs <= 0 ? Number.POSITIVE_INFINITY : ageSeconds,
    ...(budgetLeft !== undefined && { budgetLeft }),
  };
}

/** The sample agents include one that is answered late. */
function withSampleDelays(availabilities: Availabilities): Availabilities {
  return withSlowAgents(availabilities, SAMPLE_DELAYS_MS);
}
