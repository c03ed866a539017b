/** A gateway's adapter over Redis on the real clock, for tests with several gateways. */
import { onTestFinished } from "vitest";
import { singleRedis } from "../store/redis/redis-server-options.ts";
import { createRedisStore } from "../store/redis-store.ts";
import { createAircallUpstream } from "../upstream/aircall/aircall.ts";
import { TEST_SETTINGS, tellTo } from "./test-aircall.ts";

const never = new AbortController().signal;

/** A gateway with frequent polls, and a function to hold back the gateway's next matching responses. */
export async function openRedisGateway(redisUrl: string, origin: string) {
  const store = createRedisStore({
    server: singleRedis(redisUrl),
    log: { line: () => {}, warning: () => {} },
    timeoutMs: 20_000,
  });
  await store.whenReady(never);
  const held: { pattern: RegExp | undefined; readonly releases: (() => void)[] } = { pattern: undefined, releases: [] };
  const upstream = createAircallUpstream({
    customerId: "acme",
    settings: { ...TEST_SETTINGS, baseUrl: new URL(`${origin}/`), requestsPerMinute: 6_000 },
    store,
    log: tellTo([]),
    timeoutMs: 60_000,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (!held.pattern?.test(response.url)) return response;
      await new Promise<void>((resolve) => {
        held.releases.push(resolve);
        init?.signal?.addEventListener("abort", () => resolve());
      });
      return response;
    },
  });
  const close = async () => {
    await upstream.stop();
    await store.close();
  };
  onTestFinished(close);
  const customerStore = store.forCustomer("acme");
  const replica = await customerStore.open(never);
  return {
    store,
    customerStore,
    upstream,
    close,
    held,
    replica,
    statusOf: (userId: number) => replica.read(userId)?.status,
  };
}
