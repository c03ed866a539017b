import { type Availabilities, createAvailabilities } from "./availabilities.ts";
import { type Customers, createCustomers } from "./customer.ts";
import { introduceSampleAgents, SAMPLE_DELAYS_MS } from "./sample-agents.ts";
import type { Settings } from "./settings.ts";
import { withSlowAgents } from "./slow-agents.ts";
import { type AvailabilityStore, StoreUnavailable } from "./store/availability-store.ts";
import { createTokenVerifier } from "./tokens/verify-token.ts";
import { memoryUpstream } from "./upstream/memory.ts";
import type { Upstream } from "./upstream/upstream.ts";

/** Customers that are served, and what keeps their availabilities current. */
export interface OpenCustomers {
  readonly customers: Customers;
  /** Ends what keeps them current. */
  stop(): Promise<void>;
}

/** Makes what the settings say of each customer into what the routes serve, and starts the upstreams. */
export async function openCustomers(settings: Settings, store: AvailabilityStore): Promise<OpenCustomers> {
  const upstreams: Upstream[] = [];
  const customers = settings.customers.map(({ id, allowedOrigins, tokens }) => {
    const upstream = memoryUpstream;
    upstreams.push(upstream);
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
    ? await introduceSamples(settings.defaultCustomer, store, stopping.signal)
    : undefined;
  for (const upstream of upstreams) upstream.start();
  return {
    customers: createCustomers(customers, settings.defaultCustomer),
    async stop() {
      stopping.abort();
      await Promise.all([introduced?.done, ...upstreams.map((upstream) => upstream.stop())]);
    },
  };
}

/** Introduces the sample agents now, or, where the store cannot be reached, once it can be: that much is `done` later. */
async function introduceSamples(customerId: string, store: AvailabilityStore, signal: AbortSignal) {
  const introduce = () => introduceSampleAgents(store.of(customerId));
  try {
    await introduce();
    return { done: Promise.resolve() };
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  const later = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await store.whenReady(signal);
        return await introduce();
      } catch (error) {
        if (!signal.aborted && !(error instanceof StoreUnavailable)) throw error;
      }
    }
  };
  return { done: later() };
}

/** The sample agents include one that is answered late. */
function withSampleDelays(availabilities: Availabilities): Availabilities {
  return withSlowAgents(availabilities, SAMPLE_DELAYS_MS);
}
