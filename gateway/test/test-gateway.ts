import type { Hono } from "hono";
import { createGateway, type GatewayOptions } from "../app.ts";
import type { Access } from "../auth/access.ts";
import { type Caller, SCOPES } from "../auth/caller.ts";
import { InvalidTokenError } from "../auth/invalid-token-error.ts";
import { type AvailabilityService, createAvailabilityService } from "../availability-service.ts";
import { type Clock, systemClock } from "../clock.ts";
import { type Customer, type Customers, createCustomers } from "../customer.ts";
import { withDelayedAgents } from "../delayed-agents.ts";
import type { AppEnv } from "../hono-env.ts";
import { expectConformity } from "../openapi/conformity.ts";
import { createSampleAgents, SAMPLE_DELAYS_MS } from "../sample-agents.ts";
import type { CustomerStore } from "../store/availability-store.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { memoryUpstream } from "../upstream/memory-upstream.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { TEST_FILES } from "./test-build.ts";

/** What is read and written over a store, whose clock it shares. */
export function availabilityServiceOver(
  store: CustomerStore,
  clock: Clock = systemClock,
  upstream: Upstream = memoryUpstream,
): AvailabilityService {
  return createAvailabilityService({ store, upstream, staleLimitSeconds: 60, clock });
}

/** The availabilities of the sample agents, in memory. */
export async function sampleAvailabilityService(): Promise<AvailabilityService> {
  const store = createMemoryStore().forCustomer("demo");
  await createSampleAgents(store);
  return withDelayedAgents(availabilityServiceOver(store), SAMPLE_DELAYS_MS);
}

/** AvailabilityService that nobody should ask, as where the test answers for them itself. */
export function unusedAvailabilityService(): AvailabilityService {
  const refuse = () => Promise.reject(new Error("The test answers /v1 itself"));
  return { read: refuse, readMany: refuse, readAll: refuse, open: refuse, setStatus: refuse, create: refuse };
}

/** Whoever brings no token may read, and no token holds. */
export const ANONYMOUS_READS: Access = {
  verify: () => Promise.reject(new InvalidTokenError("No token holds in this test")),
  anonymousReads: true,
};

/** Every token is that of this caller, who may read and write. Without one a call may read. */
export function accessOf(subject: Caller["subject"]): Access {
  const caller: Caller = { subject, scopes: new Set(SCOPES), key: "the only one", endsAtMs: Number.MAX_SAFE_INTEGER };
  return { verify: () => Promise.resolve(caller), anonymousReads: true };
}

/** One customer for tests, to whom addresses without a customer belong as well. */
export async function testCustomers(parts: Partial<Customer> = {}): Promise<Customers> {
  const customer: Customer = {
    id: "demo",
    allowedOrigins: ["https://crm.example.com"],
    availabilities: parts.availabilities ?? (await sampleAvailabilityService()),
    access: ANONYMOUS_READS,
    ...parts,
  };
  return createCustomers([customer], customer.id);
}

/** Has what is thrown in a gateway by mistake fail the test that asks. */
export function throwDefect(error: unknown): never {
  throw error;
}

/** A gateway with one customer over the test build. What is thrown in it by mistake fails the test that asks. */
export async function testGateway(parts: Partial<Customer> = {}): Promise<Hono<AppEnv>> {
  return checkedGateway({
    customers: await testCustomers(parts),
    files: TEST_FILES,
    onDefect: throwDefect,
  });
}

/** A gateway each of whose answers is held against what `/openapi.json` says of it, before the test gets it. */
export function checkedGateway(options: GatewayOptions): Hono<AppEnv> {
  const app = createGateway(options);
  const { request } = app;
  app.request = async (input, init, ...others) => {
    const answer = await request(input, init, ...others);
    const url = input instanceof Request ? input.url : new URL(input, "http://localhost").href;
    const method = init?.method ?? (input instanceof Request ? input.method : "GET");
    await expectConformity({ method, path: new URL(url).pathname, response: answer });
    return answer;
  };
  return app;
}

/** What a gateway that listens answers, held against what `/openapi.json` says of it. */
export async function fetchChecked(url: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(url, init);
  await expectConformity({ method: init.method ?? "GET", path: new URL(url).pathname, response: answer });
  return answer;
}
