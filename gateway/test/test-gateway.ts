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

/** Creates a service over a store, with the store's clock. */
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

/** A service without expected calls, for tests that respond in place of the service. */
export function unusedAvailabilityService(): AvailabilityService {
  const refuse = () => Promise.reject(new Error("The test answers /v1 itself"));
  return { read: refuse, readMany: refuse, readAll: refuse, open: refuse, setStatus: refuse, create: refuse };
}

/** Callers without a token may read, and no token is valid. */
export const ANONYMOUS_READS: Access = {
  verify: () => Promise.reject(new InvalidTokenError("No token holds in this test")),
  anonymousReads: true,
};

/** Every token is the given caller's, who may read and write. Callers without a token may read. */
export function accessOf(subject: Caller["subject"]): Access {
  const caller: Caller = { subject, scopes: new Set(SCOPES), endsAtMs: Number.MAX_SAFE_INTEGER };
  return { verify: () => Promise.resolve(caller), anonymousReads: true };
}

/** A customer for tests that also owns the addresses without a customer. */
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

/** Makes errors in the gateway fail the test whose request caused them. */
export function throwDefect(error: unknown): never {
  throw error;
}

/** Creates a gateway with a customer over the test build. An unexpected error in the gateway fails the test. */
export async function testGateway(parts: Partial<Customer> = {}): Promise<Hono<AppEnv>> {
  return checkedGateway({
    customers: await testCustomers(parts),
    files: TEST_FILES,
    onDefect: throwDefect,
  });
}

/** Creates a gateway that checks each response against `/openapi.json` first. */
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

/** Sends a request to a listening gateway and checks the response against `/openapi.json`. */
export async function fetchChecked(url: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(url, init);
  await expectConformity({ method: init.method ?? "GET", path: new URL(url).pathname, response: answer });
  return answer;
}
