import type { Caller } from "./auth/caller.ts";
import { createJwks, type Jwks, type ObserveFetch } from "./auth/jwks.ts";
import type { KeySetTokens } from "./auth/token-settings.ts";
import { createTokenVerifier, type VerifyToken } from "./auth/verify-token.ts";
import { type AvailabilityService, createAvailabilityService } from "./availability-service.ts";
import type { Customer } from "./customer.ts";
import { withDelayedAgents } from "./delayed-agents.ts";
import type { ObserveCall } from "./outgoing-call.ts";
import { isSameSetting } from "./reload/customer-changes.ts";
import { createReplaceableUpstream, type ReplaceableUpstream } from "./reload/replaceable-upstream.ts";
import { SAMPLE_DELAYS_MS } from "./sample-agents.ts";
import type { CustomerSettings } from "./settings/customer-settings.ts";
import type { AvailabilityStore } from "./store/availability-store.ts";
import { createAircallUpstream } from "./upstream/aircall/aircall.ts";
import type { WebhookReceiver } from "./upstream/aircall/webhook.ts";
import { memoryUpstream } from "./upstream/memory-upstream.ts";
import type { PollAssignments } from "./upstream/poll-assignments.ts";
import type { Upstream, UpstreamLog } from "./upstream/upstream.ts";

/** Served customer, with the parts to keep or replace at a reload. */
export interface RunningCustomer {
  readonly settings: CustomerSettings;
  readonly customer: Customer;
  readonly upstream: ReplaceableUpstream;
  readonly tokens: RunningTokens;
}

/** Verifier of a customer's tokens. */
interface RunningTokens {
  readonly verify: VerifyToken;
  /** Absent if the customer has a shared secret. */
  readonly keySet?: RunningKeySet;
}

/** Key set of a customer. */
export interface RunningKeySet {
  readonly jwks: Jwks;
  /** Aborts when the key set is no longer used. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Parts of the gateway that its customers share. */
export interface CustomerParts {
  readonly store: AvailabilityStore;
  readonly log: UpstreamLog;
  /** Timeout of a call to an upstream, unless the customer has its own, in milliseconds. */
  readonly timeoutMs: number;
  /** Divides the polls of all customers among the gateways. */
  readonly pollAssignments: PollAssignments;
  readonly staleLimitSeconds: number;
  readonly isDemo: boolean;
  readonly anonymousReads: boolean;
  /** Finds a customer by the present settings. */
  readonly find: (id: string) => RunningCustomer | undefined;
  /** Sends the calls for key sets and to telephony systems. */
  readonly fetch: typeof fetch;
  /** Runs each of these calls, for metrics and traces. */
  readonly observe: ObserveCall;
  /** Called when one secret of a customer's list has verified a token, with the secret's place in the list, from 1. */
  readonly onVerified: (customer: string, secretPlace: number) => void;
}

/**
 * Creates a customer with an upstream yet to start. Parts with unchanged settings are the objects of the former
 * customer, with caches.
 */
export function runCustomer(
  settings: CustomerSettings,
  parts: CustomerParts,
  former?: RunningCustomer,
): RunningCustomer {
  if (former && isSameSetting(former.settings, settings)) return former;
  const isSame = (name: keyof CustomerSettings) => isSameSetting(former?.settings[name], settings[name]);
  const tokens = former && isSame("tokens") ? former.tokens : createTokens(settings, parts, former);
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

function createTokens(
  { tokens, id }: CustomerSettings,
  parts: CustomerParts,
  former: RunningCustomer | undefined,
): RunningTokens {
  if ("secret" in tokens) {
    const onVerified = (secretPlace: number) => parts.onVerified(id, secretPlace);
    return { verify: createTokenVerifier(tokens, id, { onVerified }) };
  }
  // The keys are valid under changed rules too, and the key set's server may be down now.
  const keySet = findKeySet(tokens, former) ?? createKeySet(tokens, id, parts);
  return { verify: createTokenVerifier(tokens, id, { keySet: keySet.jwks }), keySet };
}

/** Finds the former key set, unless the address or the algorithm has changed. */
function findKeySet(tokens: KeySetTokens, former: RunningCustomer | undefined): RunningKeySet | undefined {
  const known = former?.settings.tokens;
  const isSame =
    known && "jwksUrl" in known && known.jwksUrl === tokens.jwksUrl && known.algorithm === tokens.algorithm;
  return isSame ? former?.tokens.keySet : undefined;
}

function createKeySet(
  { jwksUrl: url, algorithm }: KeySetTokens,
  customer: string,
  parts: CustomerParts,
): RunningKeySet {
  const stopping = new AbortController();
  const { fetch, observe } = parts;
  const observeFetch: ObserveFetch = (run) => observe({ service: "key set", operation: "fetch", customer }, run);
  const jwks = createJwks({ url, algorithm, fetch, observeFetch });
  return { jwks, signal: stopping.signal, stop: () => stopping.abort() };
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
      const { store, log, timeoutMs, fetch, observe, pollAssignments } = parts;
      const options = { customerId: id, settings, store, log, timeoutMs, fetch, observe, pollAssignments };
      const upstream = createAircallUpstream(options);
      return { upstream, receiveWebhook: upstream.receiveWebhook };
    }
  }
}

/** Delays reads of some sample agents. */
function withSampleDelays(availabilities: AvailabilityService): AvailabilityService {
  return withDelayedAgents(availabilities, SAMPLE_DELAYS_MS);
}
