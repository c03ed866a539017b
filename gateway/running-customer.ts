import type { Caller } from "./auth/caller.ts";
import { createTokenVerifier, type VerifyToken } from "./auth/verify-token.ts";
import { type AvailabilityService, createAvailabilityService } from "./availability-service.ts";
import type { Customer } from "./customer.ts";
import { withDelayedAgents } from "./delayed-agents.ts";
import { isSameSetting } from "./reload/customer-changes.ts";
import { createReplaceableUpstream, type ReplaceableUpstream } from "./reload/replaceable-upstream.ts";
import { SAMPLE_DELAYS_MS } from "./sample-agents.ts";
import type { CustomerSettings } from "./settings/customer-settings.ts";
import type { AvailabilityStore } from "./store/availability-store.ts";
import { createAircallUpstream } from "./upstream/aircall/aircall.ts";
import type { WebhookReceiver } from "./upstream/aircall/webhook.ts";
import { memoryUpstream } from "./upstream/memory-upstream.ts";
import type { Upstream, UpstreamLog } from "./upstream/upstream.ts";

/** A customer that the gateway serves, with the parts that a reload keeps or replaces. */
export interface RunningCustomer {
  readonly settings: CustomerSettings;
  readonly customer: Customer;
  readonly upstream: ReplaceableUpstream;
  readonly tokens: RunningTokens;
}

/** Verifier of a customer's tokens. */
interface RunningTokens {
  readonly verify: VerifyToken;
  /** Aborts when the verifier is no longer used. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Parts of the gateway that its customers share. */
export interface CustomerParts {
  readonly store: AvailabilityStore;
  readonly log: UpstreamLog;
  /** Timeout of a call to an upstream, unless the customer has its own, in milliseconds. */
  readonly timeoutMs: number;
  readonly staleLimitSeconds: number;
  readonly isDemo: boolean;
  readonly anonymousReads: boolean;
  /** Finds a customer by the present settings. */
  readonly find: (id: string) => RunningCustomer | undefined;
  /** Sends the calls for key sets and to telephony systems. */
  readonly fetch: typeof fetch;
}

/**
 * Creates a customer, whose upstream is yet to start. Parts with the settings that the customer had before are the same
 * objects, with their caches.
 */
export function runCustomer(
  settings: CustomerSettings,
  parts: CustomerParts,
  former?: RunningCustomer,
): RunningCustomer {
  if (former && isSameSetting(former.settings, settings)) return former;
  const isSame = (name: keyof CustomerSettings) => isSameSetting(former?.settings[name], settings[name]);
  const tokens = former && isSame("tokens") ? former.tokens : createTokens(settings, parts);
  const source = former && isSame("upstream") ? toSource(former) : createSource(settings, parts, former);
  const { id, allowedOrigins } = settings;
  const customer = {
    id,
    allowedOrigins,
    availabilities: source.availabilities,
    access: {
      verify: tokens.verify,
      anonymousReads: parts.anonymousReads,
      isStillAllowed: (caller: Caller | undefined) => isStillAllowed(parts.find(id), caller),
    },
    ...(source.receiveWebhook && { receiveWebhook: source.receiveWebhook }),
  };
  return { settings, customer, upstream: source.upstream, tokens };
}

function isStillAllowed(present: RunningCustomer | undefined, caller: Caller | undefined): boolean {
  if (!present) return false;
  return caller === undefined || (present.tokens.verify.accepts?.(caller) ?? true);
}

function createTokens({ tokens, id }: CustomerSettings, { fetch }: CustomerParts): RunningTokens {
  const stopping = new AbortController();
  return {
    verify: createTokenVerifier(tokens, id, { fetch }),
    signal: stopping.signal,
    stop: () => stopping.abort(),
  };
}

/** Source of a customer's availabilities. */
interface Source extends Pick<Customer, "availabilities" | "receiveWebhook">, Pick<RunningCustomer, "upstream"> {}

function toSource({ customer: { availabilities, receiveWebhook }, upstream }: RunningCustomer): Source {
  return { availabilities, upstream, ...(receiveWebhook && { receiveWebhook }) };
}

function createSource(settings: CustomerSettings, parts: CustomerParts, former: RunningCustomer | undefined): Source {
  const { store, staleLimitSeconds, isDemo } = parts;
  const opened = openUpstream(settings, parts);
  const isOfSameKind = former?.settings.upstream.kind === settings.upstream.kind;
  const upstream = createReplaceableUpstream(opened.upstream, isOfSameKind ? former.upstream : undefined);
  const service = createAvailabilityService({ store: store.forCustomer(settings.id), upstream, staleLimitSeconds });
  return {
    upstream,
    availabilities: isDemo ? withSampleDelays(service) : service,
    ...(opened.receiveWebhook && { receiveWebhook: opened.receiveWebhook }),
  };
}

interface OpenUpstream {
  readonly upstream: Upstream;
  readonly receiveWebhook?: WebhookReceiver | undefined;
}

function openUpstream({ id, upstream: settings }: CustomerSettings, parts: CustomerParts): OpenUpstream {
  switch (settings.kind) {
    case "memory":
      return { upstream: memoryUpstream };
    case "aircall": {
      const { store, log, timeoutMs, fetch } = parts;
      const upstream = createAircallUpstream({ customerId: id, settings, store, log, timeoutMs, fetch });
      return { upstream, receiveWebhook: upstream.receiveWebhook };
    }
  }
}

/** Delays reads of some sample agents. */
function withSampleDelays(availabilities: AvailabilityService): AvailabilityService {
  return withDelayedAgents(availabilities, SAMPLE_DELAYS_MS);
}
