import { KeysUnavailableError } from "./auth/keys-unavailable-error.ts";
import { createTokenVerifier } from "./auth/verify-token.ts";
import { type AvailabilityService, createAvailabilityService } from "./availability-service.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Customer, type Customers, createCustomers } from "./customer.ts";
import { withDelayedAgents } from "./delayed-agents.ts";
import type { CustomerHealth } from "./operations/metrics/health-sources.ts";
import { type ObserveCall, runUnobserved } from "./outgoing-call.ts";
import { createSampleAgentsWhenReady, SAMPLE_DELAYS_MS } from "./sample-agents.ts";
import type { CustomerSettings } from "./settings/customer-settings.ts";
import type { Settings } from "./settings/settings.ts";
import type { AvailabilityStore } from "./store/availability-store.ts";
import { createAircallUpstream } from "./upstream/aircall/aircall.ts";
import type { AircallOptions } from "./upstream/aircall/create-aircall.ts";
import type { WebhookReceiver } from "./upstream/aircall/webhook.ts";
import { memoryUpstream } from "./upstream/memory-upstream.ts";
import type { Upstream, UpstreamHealth, UpstreamLog } from "./upstream/upstream.ts";

/** Customers of the gateway with their running upstreams. */
export interface StartedCustomers {
  readonly customers: Customers;
  /** Health of each customer at this moment. */
  health(): readonly CustomerHealth[];
  /**
   * Starts to fetch the customers' key sets, so that the operator learns of a fault before the first call fails. The
   * gateway serves all other customers meanwhile, and is ready.
   */
  loadKeySets(): void;
  /** Stops the upstreams. */
  stop(): Promise<void>;
}

export interface CustomerOptions {
  readonly log: UpstreamLog;
  /** Runs each call of an upstream or a key set, for metrics and traces. @default nothing is observed */
  readonly observe?: ObserveCall;
}

/** Creates customers from the settings, and starts their upstreams. */
export async function startCustomers(
  settings: Settings,
  store: AvailabilityStore,
  { log, observe = runUnobserved }: CustomerOptions,
): Promise<StartedCustomers> {
  const upstreams = new Map<string, Upstream>();
  const customers = settings.customers.map((customer) => {
    const { id, allowedOrigins, tokens } = customer;
    const { upstream, receiveWebhook } = openUpstream(customer, {
      store,
      log,
      observe,
      timeoutMs: settings.upstreamTimeoutMs,
    });
    upstreams.set(id, upstream);
    const { staleLimitSeconds, isDemo, anonymousReads } = settings;
    const availabilities = createAvailabilityService({ store: store.forCustomer(id), upstream, staleLimitSeconds });
    return {
      id,
      allowedOrigins,
      availabilities: isDemo ? withSampleDelays(availabilities) : availabilities,
      access: { verify: createTokenVerifier(tokens, id, { observe }), anonymousReads },
      ...(receiveWebhook && { receiveWebhook }),
    };
  });
  const stopping = new AbortController();
  const sampleAgents = settings.isDemo
    ? await createSampleAgentsWhenReady(settings.defaultCustomer, store, stopping.signal)
    : undefined;
  for (const upstream of upstreams.values()) upstream.start();
  return {
    customers: createCustomers(customers, settings.defaultCustomer),
    health: () =>
      customers.map(({ id, access }) => {
        const upstreamHealth = upstreams.get(id)?.health() ?? memoryUpstream.health();
        const health = { ...upstreamHealth, storeStaleSinceMs: store.forCustomer(id).staleSinceMs() };
        const isKeySetAvailable = access.verify.keySet?.isAvailable();
        return { ...toHealth(id, health, systemClock), ...(isKeySetAvailable !== undefined && { isKeySetAvailable }) };
      }),
    loadKeySets() {
      for (const customer of customers) loadKeySet(customer, log);
    },
    async stop() {
      stopping.abort();
      await Promise.all([sampleAgents?.done, ...Array.from(upstreams.values(), (upstream) => upstream.stop())]);
    },
  };
}

/** Fetches a customer's key set, and logs a failure. */
function loadKeySet({ id, access }: Pick<Customer, "id" | "access">, log: UpstreamLog): void {
  access.verify.keySet?.load().catch((error: unknown) => {
    if (!(error instanceof KeysUnavailableError)) return log.defect(error);
    log.warning(`Customer ${id}: ${error.message}; calls with a token are answered with 503 until it does`);
  });
}

/** Health of a customer's upstream and store. */
interface SourceHealth extends UpstreamHealth {
  /** As `staleSinceMs` of the customer's store. */
  readonly storeStaleSinceMs: number | undefined;
}

/** Converts the health of a customer's upstream and store. Data that was never read is infinitely old. */
export function toHealth(customer: string, health: SourceHealth, clock: Clock): CustomerHealth {
  const { staleSinceMs, storeStaleSinceMs, budgetLeft, removalsHeldBack, minStaleLimitSeconds, isPolling } = health;
  const ageSeconds = (sinceMs = Infinity) => Math.max(0, Math.ceil((clock.monotonicMs() - sinceMs) / 1000));
  const upstreamStaleSeconds = ageSeconds(staleSinceMs);
  return {
    customer,
    staleSeconds: Math.max(upstreamStaleSeconds, ageSeconds(storeStaleSinceMs)),
    upstreamStaleSeconds,
    ...(budgetLeft !== undefined && { budgetLeft }),
    ...(minStaleLimitSeconds !== undefined && { minStaleLimitSeconds }),
    ...(removalsHeldBack !== undefined && { removalsHeldBack }),
    ...(isPolling !== undefined && { isPolling }),
  };
}

interface OpenUpstream {
  readonly upstream: Upstream;
  readonly receiveWebhook?: WebhookReceiver | undefined;
}

type UpstreamParts = Pick<AircallOptions, "store" | "log" | "timeoutMs" | "observe">;

function openUpstream({ id, upstream: settings }: CustomerSettings, parts: UpstreamParts): OpenUpstream {
  switch (settings.kind) {
    case "memory":
      return { upstream: memoryUpstream };
    case "aircall": {
      const upstream = createAircallUpstream({ customerId: id, settings, ...parts });
      return { upstream, receiveWebhook: upstream.receiveWebhook };
    }
  }
}

/** Delays reads of some sample agents. */
function withSampleDelays(availabilities: AvailabilityService): AvailabilityService {
  return withDelayedAgents(availabilities, SAMPLE_DELAYS_MS);
}
