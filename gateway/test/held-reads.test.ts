/** Gateways over Redis that get pages of the telephony system's list late, or are restarted. */
import { expect, onTestFinished, test } from "vitest";
import { createAvailabilityService } from "../availability-service.ts";
import { startFakeUpstream } from "./fake-upstream/fake-upstream.ts";
import { openRedisGateway } from "./redis-gateway.ts";
import { hasRedisServer, startRedisServer } from "./redis-server.ts";
import { testWebhook } from "./test-aircall.ts";

const never = new AbortController().signal;

const checkAgent = async () => {};

/** Generous for a busy machine. */
const PATIENCE = { interval: 5, timeout: 20_000 };

/** Two gateways, of which the first polls, and has a page with agent 1 available on its way. */
async function setUp() {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const fake = await startFakeUpstream({ requestsPerMinute: 6_000 });
  onTestFinished(fake.close);
  const first = await openRedisGateway(server.url, fake.origin);
  const second = await openRedisGateway(server.url, fake.origin);
  first.upstream.start();
  for (const { statusOf } of [first, second]) await expect.poll(() => statusOf(1), PATIENCE).toBe("available");
  fake.company.put(2, { availability: "offline" });
  first.held.pattern = /availabilities/;
  await expect.poll(() => first.held.releases.length, PATIENCE).toBe(1);
  return { server, fake, first, second };
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

/** Lets the held page arrive, and waits until it is stored. */
async function releasePage({ first, second }: SetUp): Promise<void> {
  first.held.releases[0]?.();
  for (const { statusOf } of [first, second]) await expect.poll(() => statusOf(2), PATIENCE).toBe("offline");
}

/** Collects the statuses that both gateways show of agent 1 from now on. */
function collectStatuses({ first, second }: SetUp): unknown[] {
  const shown: unknown[] = [];
  for (const { replica } of [first, second]) {
    const onChange = () => void shown.push(replica.read(1)?.status);
    onTestFinished(replica.listen({ onChange, onReset: onChange }));
  }
  return shown;
}

const testOverRedis = test.skipIf(!hasRedisServer);

testOverRedis("keeps what a webhook's read at one gateway found when an older page arrives at another", async () => {
  const both = await setUp();
  const { fake, first, second } = both;
  fake.company.put(1, { availability: "in_call" });
  expect(second.upstream.receiveWebhook?.(testWebhook("user.closed", 1))).toBe("accepted");
  for (const { statusOf } of [first, second]) await expect.poll(() => statusOf(1), PATIENCE).toBe("in_call");
  const shown = collectStatuses(both);
  await releasePage(both);
  expect(new Set(shown)).toEqual(new Set(["in_call"]));
});

testOverRedis("keeps a status set at one gateway when an older page arrives at another", async () => {
  const both = await setUp();
  const { first, second } = both;
  await second.upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  await expect.poll(() => first.statusOf(1), PATIENCE).toBe("do_not_disturb");
  const shown = collectStatuses(both);
  await releasePage(both);
  expect(new Set(shown)).toEqual(new Set(["do_not_disturb"]));
});

testOverRedis("keeps an unchanged agent whom a later read has found when an older read arrives", async () => {
  const both = await setUp();
  const { fake, first, second } = both;
  fake.company.put(1, { availability: "offline" });
  second.held.pattern = /users.1.availability/;
  const older = second.upstream.refresh(1);
  await expect.poll(() => second.held.releases.length, PATIENCE).toBe(1);
  fake.company.put(1, { availability: "available" });
  await first.upstream.refresh(1);
  const shown = collectStatuses(both);
  second.held.releases[0]?.();
  await older;
  expect([first.statusOf(1), second.statusOf(1), ...shown]).toEqual(["available", "available"]);
});

testOverRedis("does not bring back an agent whom a later read has removed", async () => {
  const both = await setUp();
  const { fake, first, second } = both;
  second.held.pattern = /users.3.availability/;
  const older = second.upstream.refresh(3);
  await expect.poll(() => second.held.releases.length, PATIENCE).toBe(1);
  fake.company.remove(3);
  first.held.pattern = undefined;
  await releasePage(both);
  for (const { statusOf } of [first, second]) await expect.poll(() => statusOf(3), PATIENCE).toBeUndefined();
  second.held.releases[0]?.();
  await older;
  expect([first.statusOf(3), second.statusOf(3)]).toEqual([undefined, undefined]);
});

testOverRedis("keeps what a read has found when Redis loses its data before an older read arrives", async () => {
  const both = await setUp();
  const { server, fake, first, second } = both;
  fake.company.put(1, { availability: "offline" });
  second.held.pattern = /users.1.availability/;
  const older = second.upstream.refresh(1);
  await expect.poll(() => second.held.releases.length, PATIENCE).toBe(1);
  fake.company.put(1, { availability: "in_call" });
  await first.upstream.refresh(1);
  await expect.poll(() => second.statusOf(1), PATIENCE).toBe("in_call");
  await server.command(["FLUSHALL"]);
  for (const { store } of [first, second]) await expect.poll(store.isReady, PATIENCE).toBe(false);
  for (const { store } of [first, second]) await store.whenReady(never);
  for (const { customerStore } of [first, second]) await customerStore.catchUp();
  const shown = collectStatuses(both);
  second.held.releases[0]?.();
  await older;
  expect([first.statusOf(1), second.statusOf(1), ...shown]).toEqual(["in_call", "in_call"]);
});

testOverRedis(
  "serves at once after a restart what Redis has as current, before the telephony system answers",
  async () => {
    const server = await startRedisServer();
    onTestFinished(server.remove);
    const fake = await startFakeUpstream({ users: 120, requestsPerMinute: 6_000 });
    onTestFinished(fake.close);
    const first = await openRedisGateway(server.url, fake.origin);
    first.upstream.start();
    await expect.poll(() => first.upstream.health().staleSinceMs, PATIENCE).toBeUndefined();
    await first.close();
    await fake.setFault({ kind: "hang" });
    const restarted = await openRedisGateway(server.url, fake.origin);
    expect(restarted.upstream.health().staleSinceMs).toBe(-Infinity);
    restarted.upstream.start();
    await expect.poll(() => restarted.upstream.health().staleSinceMs, PATIENCE).toBeUndefined();
    expect(restarted.replica.size()).toBe(120);
  },
);

testOverRedis("does not take a customer as current whose list was not read to its end", async () => {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const fake = await startFakeUpstream({ users: 120, requestsPerMinute: 6_000 });
  onTestFinished(fake.close);
  const first = await openRedisGateway(server.url, fake.origin);
  first.held.pattern = /page=3/;
  first.upstream.start();
  await expect.poll(() => first.held.releases.length, PATIENCE).toBe(1);
  const second = await openRedisGateway(server.url, fake.origin);
  second.upstream.start();
  await expect.poll(() => second.replica.size(), PATIENCE).toBe(100);
  expect(second.upstream.health().staleSinceMs).toBe(-Infinity);
});

testOverRedis("makes one of two concurrent changes at two gateways on the condition of the same version", async () => {
  const { fake, first, second } = await setUp();
  const version = first.replica.read(1)?.version ?? 0;
  const change = { userId: 1, status: "do_not_disturb", ifVersions: [version] } as const;
  const services = [first, second].map(({ customerStore, upstream }) =>
    createAvailabilityService({ store: customerStore, upstream, staleLimitSeconds: 60 }),
  );
  const outcomes = await Promise.allSettled(
    [...services, ...services].map(({ setStatus }) => setStatus(change, { signal: never })),
  );
  const names = outcomes.map((outcome) => (outcome.status === "fulfilled" ? "made" : outcome.reason.name));
  expect(names.sort((a, b) => a.localeCompare(b))).toEqual(["made", ...Array<string>(3).fill("VersionMismatchError")]);
  expect(fake.requests.all().filter(({ method }) => method === "PUT")).toHaveLength(1);
});

testOverRedis("changes an agent again after the gateway that held the agent's lock has crashed", async () => {
  const both = await setUp();
  const { second } = both;
  // A gateway that has crashed does not release its lock, which expires.
  await both.first.store.lease("aircall/acme/change/1", 500);
  const setting = second.upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  await expect(setting).resolves.toMatchObject({ status: "do_not_disturb" });
});
