import { type Clock, systemClock } from "./clock.ts";
import { type Customer, type Customers, createCustomers } from "./customer.ts";
import { delay } from "./delay.ts";
import { createEgressFetch } from "./egress/egress-fetch.ts";
import type { CustomerHealth } from "./operations/metrics/health-sources.ts";
import { type ObserveCall, runUnobserved } from "./outgoing-call.ts";
import { type CustomerChanges, compareCustomers } from "./reload/customer-changes.ts";
import { createUpstreamHandover } from "./reload/upstream-handover.ts";
import { type CustomerParts, type RunningCustomer, runCustomer } from "./running-customer.ts";
import { createSampleAgentsWhenReady } from "./sample-agents.ts";
import type { CustomerSettings } from "./settings/customer-settings.ts";
import type { Settings } from "./settings/settings.ts";
import type { AvailabilityStore } from "./store/availability-store.ts";
import { withCustomerName } from "./upstream/customer-log.ts";
import { createPollAssignments } from "./upstream/poll-assignments.ts";
import type { UpstreamHealth, UpstreamLog } from "./upstream/upstream.ts";

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
  /** Serves the customers of other settings from now on. What has not changed of a customer goes on. */
  reload(settings: Settings): CustomerChanges;
  /** Stops the upstreams. */
  stop(): Promise<void>;
}

export interface CustomerOptions {
  readonly log: UpstreamLog;
  /** Runs each call of an upstream or a key set, for metrics and traces. @default nothing is observed */
  readonly observe?: ObserveCall;
  /** As of `CustomerParts`. @default none */
  readonly onVerified?: CustomerParts["onVerified"];
}

/** Creates customers from the settings, and starts their upstreams. */
export async function startCustomers(
  settings: Settings,
  store: AvailabilityStore,
  { log, observe = runUnobserved, onVerified = () => {} }: CustomerOptions,
): Promise<StartedCustomers> {
  const { staleLimitSeconds, upstreamTimeoutMs: timeoutMs, isDemo, anonymousReads } = settings;
  const fetch = await createEgressFetch(settings.egressProxies);
  const pollAssignments = createPollAssignments({
    gateways: store.gateways,
    clock: systemClock,
    wait: delay,
    random: Math.random,
    log,
  });
  const parts = {
    fetch,
    pollAssignments,
    observe,
    onVerified,
    store,
    log,
    timeoutMs,
    staleLimitSeconds,
    isDemo,
    anonymousReads,
    find: (id: string) => find(id),
  };
  let running = new Map(settings.customers.map((customer) => [customer.id, runCustomer(customer, parts)]));
  let current = settings;
  const find = (id: string): RunningCustomer | undefined => running.get(id);
  const customers = createCustomers(toCustomers(running), settings.defaultCustomer);
  const stopping = new AbortController();
  const handover = createUpstreamHandover({
    findPresent: (id) => find(id)?.upstream,
    onDefect: (id, error) => withCustomerName(id, log).defect(error),
  });
  const sampleAgents = isDemo
    ? await createSampleAgentsWhenReady(settings.defaultCustomer, store, stopping.signal)
    : undefined;
  for (const { upstream } of running.values()) upstream.start();
  pollAssignments.start();

  return {
    customers,
    health: () => Array.from(running.values(), (customer) => measureHealth(customer, store)),
    loadKeySets() {
      for (const customer of running.values()) keepKeySetFresh(customer, log);
    },
    reload(next) {
      const former = running;
      running = new Map(
        next.customers.map((customer) => [customer.id, runCustomer(customer, parts, former.get(customer.id))]),
      );
      customers.replace(toCustomers(running), next.defaultCustomer);
      for (const [id, { upstream, tokens }] of former) {
        const replacement = running.get(id);
        if (replacement?.tokens.keySet !== tokens.keySet) tokens.keySet?.stop();
        if (replacement?.upstream !== upstream) handover.replace(id, upstream);
      }
      for (const [id, customer] of running) {
        const known = former.get(id);
        if (known?.tokens.keySet !== customer.tokens.keySet) keepKeySetFresh(customer, log);
        if (!known) handover.start(id);
      }
      // Unchanged customers, which are most, need no second comparison.
      const isReplaced = ({ id }: CustomerSettings) => running.get(id) !== former.get(id);
      const changes = compareCustomers(current.customers.filter(isReplaced), next.customers.filter(isReplaced));
      current = next;
      return changes;
    },
    async stop() {
      stopping.abort();
      for (const { tokens } of running.values()) tokens.keySet?.stop();
      await Promise.all([
        sampleAgents?.done,
        handover.stop(),
        ...Array.from(running.values(), ({ upstream }) => upstream.stop()),
      ]);
      await pollAssignments.stop();
    },
  };
}

function toCustomers(running: ReadonlyMap<string, RunningCustomer>): readonly Customer[] {
  return Array.from(running.values(), ({ customer }) => customer);
}

/** Fetches a customer's key set in the background until the customer's tokens have other rules. */
function keepKeySetFresh({ settings: { id }, tokens }: RunningCustomer, log: UpstreamLog): void {
  const named = withCustomerName(id, log);
  tokens.keySet?.jwks.keepFresh(named, tokens.keySet.signal).catch(named.defect);
}

function measureHealth(
  { settings: { id }, upstream, tokens }: RunningCustomer,
  store: AvailabilityStore,
): CustomerHealth {
  const health = { ...upstream.health(), storeStaleSinceMs: store.forCustomer(id).staleSinceMs() };
  const isKeySetAvailable = tokens.keySet?.jwks.isAvailable();
  return { ...toHealth(id, health, systemClock), ...(isKeySetAvailable !== undefined && { isKeySetAvailable }) };
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
