/** Stores of several gateways over a Redis server that a test breaks. */
import { onTestFinished } from "vitest";
import type { Status } from "../store/agent.ts";
import type { AvailabilityStore } from "../store/availability-store.ts";
import type { Change } from "../store/change-history.ts";
import { singleRedis } from "../store/redis/redis-server-options.ts";
import { createRedisStore, type RedisStoreOptions } from "../store/redis-store.ts";
import type { Replica } from "../store/replica.ts";
import { collectChanges, eventually } from "../store/store.suite.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

/** A signal that does not abort. */
export const never = new AbortController().signal;

/** Password that a test sets to keep gateways out. */
export const PASSWORD = "let-me-in";

/** Delays before the next attempt to connect to Redis, shorter than in production. */
const QUICK_RETURN = { waitMs: 50, maxDelayMs: 50 };

/** A short timeout, for a Redis without replies. All further tests wait longer, for a busy machine. */
export const IMPATIENT = { timeoutMs: 600 };

/** Starts a Redis server that ends with the test. */
export async function startServer(): Promise<RedisServer> {
  const server = await startRedisServer(["--stream-node-max-entries", "5"]);
  onTestFinished(server.remove);
  return server;
}

/** Opens the store of another gateway, with the lines that it logs. The store closes with the test. */
export function openStore(url: string, options: Partial<RedisStoreOptions> = {}) {
  const lines: string[] = [];
  const log = {
    line: (line: string) => void lines.push(`info: ${line}`),
    warning: (line: string) => void lines.push(`warn: ${line}`),
  };
  const store = createRedisStore({ server: singleRedis(url), log, timeoutMs: 10_000, ...QUICK_RETURN, ...options });
  onTestFinished(store.close);
  return { ...store, lines };
}

/** Changes and resets that a replica's listener received. */
type Received = readonly (Change | "reset")[];

/** Returns the version of each agent in a replica, by user id. */
export function versions(replica: Replica): ReadonlyMap<number, number> {
  return new Map([...replica.agents()].map(({ userId, version }) => [userId, version]));
}

/** Returns the status of each agent in a replica, by user id. */
export function statuses(replica: Replica): Readonly<Record<number, Status>> {
  return Object.fromEntries([...replica.agents()].map(({ userId, status }) => [userId, status]));
}

/** Counts the resets among what a listener received. */
export function resets(received: Received): number {
  return received.filter((change) => change === "reset").length;
}

/** Resolves once the store has lost the connection to Redis. */
export async function lost(store: AvailabilityStore): Promise<void> {
  await eventually(() => store.isReady()).toBe(false);
}

/** Resolves once the stores are connected to Redis again, with all agents. */
export async function recovered(...stores: readonly AvailabilityStore[]): Promise<void> {
  await Promise.all(stores.map((store) => store.whenReady(never)));
}

/** Two gateways over a Redis server, with replicas of a customer's agents 1 to 5; agent 9 is removed. */
export async function setUp(options: Partial<RedisStoreOptions> = {}) {
  const server = await startServer();
  const stores = [openStore(server.url, options), openStore(server.url, options)] as const;
  const [one, other] = [stores[0].forCustomer("acme"), stores[1].forCustomer("acme")];
  for (const userId of [1, 2, 3, 4, 5, 9]) await one.set(userId, { status: "available" });
  await other.remove(9);
  const replicas = await Promise.all([one.open(never), other.open(never)]);
  return {
    server,
    stores,
    customers: [one, other] as const,
    replicas,
    received: replicas.map((replica) => collectChanges(replica)),
  };
}

/** A gateway over a Redis server, with replicas of 200 customers, and the order in which they are restored. */
export async function setUpManyCustomers() {
  const server = await startServer();
  // With a long wait the write notices the loss, before the check that would break its connection.
  const store = openStore(server.url, { waitMs: 60_000 });
  const customers = Array.from({ length: 200 }, (_, index) => store.forCustomer(`customer-${index}`));
  await Promise.all(customers.map((customer) => customer.set(1, { status: "available" })));
  const replicas = await Promise.all(customers.map((customer) => customer.open(new AbortController().signal)));
  const events: string[] = [];
  for (const [index, replica] of replicas.entries())
    onTestFinished(replica.listen({ onChange: () => {}, onReset: () => void events.push(`restored ${index}`) }));
  return { server, store, customers, replicas, events };
}
