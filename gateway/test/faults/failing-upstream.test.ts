import { expect, test } from "vitest";
import type { Fault } from "../fake-upstream/faults.ts";
import { startCluster } from "./cluster.ts";
import { startFakeUpstream } from "./fake-upstream-process.ts";
import type { GatewayHttpClient } from "./gateway-client.ts";
import { hasServers } from "./programs.ts";
import { PROBED_USER_ID } from "./users.ts";

const testOverProcesses = test.skipIf(!hasServers);

/** The agent that the tests read. */
const USER_ID = 1;

/** Starts two gateways with a customer who uses the fake, and creates a client of the customer at each gateway. */
async function startWithUpstream(
  environment: Readonly<Record<string, string>> = {},
  { users = 3, requestsPerMinute = 6000 } = {},
) {
  const upstream = await startFakeUpstream(users);
  const cluster = await startCluster({
    customers: { globex: { upstream: upstream.settings({ requestsPerMinute }) } },
    environment: { ...upstream.environment, STALE_LIMIT_SECONDS: "2", ...environment },
  });
  const clients = await Promise.all(cluster.gateways.map((each) => cluster.client(each, "globex")));
  await expectStatus(clients, "available");
  return { upstream, cluster, clients };
}

/** Resolves when each gateway serves the upstream's present status of the agent. */
async function expectStatus(clients: readonly GatewayHttpClient[], status: string): Promise<void> {
  for (const { read } of clients) {
    await expect
      .poll(() => read(USER_ID))
      .toMatchObject({ status: 200, ageSeconds: 0, body: { userId: USER_ID, status } });
  }
}

const INTERNAL: Fault = {
  kind: "answer",
  status: 500,
  text: '{"error":"Internal","troubleshoot":"Ask us"}',
  headers: {},
};
const GARBAGE: Fault = {
  kind: "answer",
  status: 200,
  text: "<html>Down</html>",
  headers: { "content-type": "text/html" },
};
const UNREACHABLE = { status: 502, body: { status: 502 } };
const SILENT = { status: 504, body: { status: 504 } };

testOverProcesses.each<readonly [what: string, fault: Fault, answer: object]>([
  ["refuses connections", { kind: "refuse" }, UNREACHABLE],
  ["says nothing", { kind: "hang" }, SILENT],
  ["cuts its answers short", { kind: "cut" }, UNREACHABLE],
  ["answers with garbage", GARBAGE, UNREACHABLE],
  ["answers with an error", INTERNAL, { status: 500, body: { error: "Internal", troubleshoot: "Ask us" } }],
])("serves what it knows, then says why no more, and recovers, where the upstream %s", async (_what, fault, answer) => {
  // Shorter than the stale limit, so that the gateway detects a hanging request first.
  const { upstream, cluster, clients } = await startWithUpstream({
    UPSTREAM_TIMEOUT_MS: "500",
    // A gateway that does not poll this customer learns every two seconds whether the list is late.
    STALE_LIMIT_SECONDS: "6",
  });
  await upstream.setFault(fault);
  const seen = await Promise.all(
    clients.map(async ({ read }) => {
      const answers = [];
      for (;;) {
        const { status, ageSeconds } = await read(USER_ID);
        answers.push({ status, isStale: ageSeconds > 0 });
        if (status !== 200) return answers;
      }
    }),
  );
  // The last known status was served with its age until the age passed the limit.
  for (const answers of seen) expect(answers).toContainEqual({ status: 200, isStale: true });
  for (const { read } of clients) await expect.poll(() => read(USER_ID)).toMatchObject(answer);
  // Other customers must not be affected.
  const other = await cluster.client(cluster.gateways[0], "acme");
  expect(await other.read(PROBED_USER_ID)).toMatchObject({ status: 200, ageSeconds: 0 });

  await upstream.setAvailability(USER_ID, "in_call");
  await upstream.setFault(undefined);
  await expectStatus(clients, "in_call");
});

testOverProcesses("answers and serves as in a call an agent whom the upstream does not make available", async () => {
  const { upstream, clients } = await startWithUpstream();
  await upstream.setAvailability(USER_ID, "in_call");
  await expectStatus(clients, "in_call");
  for (const { setStatus } of clients) {
    expect(await setStatus(USER_ID, "available")).toMatchObject({ status: 200, body: { status: "in_call" } });
  }
  await expectStatus(clients, "in_call");
});

testOverProcesses("keeps its agents when the upstream lists none", async () => {
  const { upstream, clients } = await startWithUpstream();
  const text = '{"users":[],"meta":{"current_page":1,"next_page_link":null}}';
  await upstream.setFault({ kind: "answer", status: 200, text, headers: { "content-type": "application/json" } });
  const count = await upstream.requestCount();
  await expect.poll(upstream.requestCount).toBeGreaterThan(count + 20);
  for (const { read } of clients) expect(await read(USER_ID)).toMatchObject({ status: 200, body: { userId: USER_ID } });
  await upstream.setAvailability(USER_ID, "offline");
  await upstream.setFault(undefined);
  await expectStatus(clients, "offline");
});

testOverProcesses("serves what Redis has when all gateways are restarted and the upstream hangs", async () => {
  const { upstream, cluster, clients } = await startWithUpstream({ STALE_LIMIT_SECONDS: "60" });
  await Promise.all(cluster.gateways.map(({ terminate }) => terminate()));
  await upstream.setFault({ kind: "hang" });
  await Promise.all(cluster.gateways.map(({ start }) => start()));
  for (const { read } of clients) {
    await expect.poll(() => read(USER_ID)).toMatchObject({ status: 200, body: { status: "available" } });
  }
});

testOverProcesses(
  "serves without a pause when one page of a list that takes longer than the limit fails once",
  async () => {
    // A list of three pages takes 3 s.
    const { upstream, clients } = await startWithUpstream({}, { users: 120, requestsPerMinute: 120 });
    await upstream.setFault({ ...INTERNAL, times: 1 });
    const count = await upstream.requestCount();
    const statuses = new Set<number>();
    await expect
      .poll(async () => {
        for (const { read } of clients) statuses.add((await read(USER_ID)).status);
        return upstream.requestCount();
      })
      .toBeGreaterThan(count + 5);
    expect([...statuses]).toEqual([200]);
  },
);

testOverProcesses("makes one of two changes at two gateways on the condition of the same version", async () => {
  const { clients } = await startWithUpstream();
  const { body } = (await clients[0]?.read(USER_ID)) ?? {};
  const { version } = body as { readonly version: number };
  const answers = await Promise.all(
    [...clients, ...clients].map(({ setStatus }) => setStatus(USER_ID, "do_not_disturb", version)),
  );
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 412, 412, 412]);
  await expectStatus(clients, "do_not_disturb");
});

testOverProcesses("follows an upstream that is slow", async () => {
  const { upstream, clients } = await startWithUpstream();
  await upstream.setFault({ kind: "slow", delayMs: 500 });
  for (const availability of ["in_call", "offline", "do_not_disturb"]) {
    await upstream.setAvailability(USER_ID, availability);
    await expectStatus(clients, availability);
  }
});

testOverProcesses("sends no request from any gateway after one has had too many requests", async () => {
  // A poll every 4 s, so that the change comes before the next one.
  const { upstream, clients } = await startWithUpstream({ STALE_LIMIT_SECONDS: "60" }, { requestsPerMinute: 30 });
  const polled = await upstream.requestCount();
  await expect.poll(upstream.requestCount).toBeGreaterThan(polled);
  const body = { error: "Too Many Requests", troubleshoot: "See the API reference" };
  await upstream.setFault({ kind: "answer", status: 429, text: JSON.stringify(body), headers: {} });
  const count = await upstream.requestCount();
  const [first = expect.fail(), second = expect.fail()] = clients;
  expect(await first.setStatus(USER_ID, "available")).toMatchObject({ status: 429, body });
  for (const { setStatus } of [second, first]) {
    expect(await setStatus(USER_ID, "available")).toMatchObject({ status: 503 });
  }
  // Longer than the interval of two polls.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  expect(await upstream.requestCount()).toBe(count + 1);
  for (const { read } of clients) expect(await read(USER_ID)).toMatchObject({ status: 200 });
});

testOverProcesses("stays ready for all other customers when one customer's key is revoked", async () => {
  const { upstream, cluster, clients } = await startWithUpstream();
  await upstream.setFault({ kind: "answer", status: 403, text: '{"error":"Forbidden"}', headers: {} });
  const readiness = ({ origin }: { readonly origin: string }, query = "") =>
    fetch(`${origin}/readyz${query}`).then(({ status }) => status);
  for (const gateway of cluster.gateways) {
    await expect.poll(() => readiness(gateway, "?include=upstreams")).toBe(503);
    expect(await readiness(gateway)).toBe(200);
  }
  for (const { read } of clients) expect((await read(USER_ID)).status).not.toBe(200);
  const other = await cluster.client(cluster.proxy, "acme");
  expect(await other.read(PROBED_USER_ID)).toMatchObject({ status: 200, ageSeconds: 0 });
});
