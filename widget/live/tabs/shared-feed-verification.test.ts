/** Token checks of a tab of a shared feed: the times, and the consequences of the result. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TokenVerification } from "../../gateway/gateway-client.ts";
import { createTabWorld, PROOF } from "./test-tab-world.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type TabWorld = ReturnType<typeof createTabWorld>;
type Check = () => Promise<TokenVerification>;

/** Opens a tab with the given results of token checks in turn, the last again and again. `checks` has the signals. */
async function openTab(world: TabWorld, first: Check, ...others: readonly Check[]) {
  const checks: AbortSignal[] = [];
  const tab = world.open((signal) => {
    checks.push(signal);
    const check = checks.length === 1 ? first : (others[checks.length - 2] ?? others.at(-1) ?? first);
    return check();
  });
  await world.pass(0);
  return { tab, checks };
}

const accept: Check = () => Promise.resolve(PROOF);
const acceptForOneSecond: Check = () => Promise.resolve({ ...PROOF, refreshAt: Date.now() + 1_000 });
const failInNetwork: Check = () => Promise.reject(new TypeError("Failed to fetch"));
const hang: Check = () => new Promise(() => {});

function refuse(status: number, retryAfterSeconds?: number): Check {
  return () => Promise.reject(Object.assign(new Error("Refused"), { status, retryAfterSeconds }));
}

test("verifies at once after a sleep that was longer than the retry delay, and in which the monotonic clock stood", async () => {
  const world = createTabWorld();
  const { tab, checks } = await openTab(world, refuse(503, 60));
  vi.setSystemTime(Date.now() + 3_600_000);
  tab.checkConnection();
  await world.pass(0);
  expect(checks).toHaveLength(2);
});

test("waits no longer than the retry delay if the machine's time is set back", async () => {
  const world = createTabWorld();
  const { tab, checks } = await openTab(world, refuse(503, 60));
  vi.setSystemTime(Date.now() - 3_600_000);
  await world.pass(59_000);
  tab.checkConnection();
  await world.pass(999);
  expect(checks).toHaveLength(1);
  await world.pass(1);
  expect(checks).toHaveLength(2);
});

test("ends an earlier check, and an earlier delay, when the tab resumes", async () => {
  const world = createTabWorld();
  const { tab, checks } = await openTab(world, hang, failInNetwork, accept);
  tab.checkConnection();
  await world.pass(0);
  tab.checkConnection();
  await world.pass(0);
  expect(checks.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  await world.pass(60_000);
  expect(checks).toHaveLength(3);
});

test("ends the delay after a failed check when the page gives another token, and sends no second check beside a pending one", async () => {
  const world = createTabWorld();
  const { tab, checks } = await openTab(world, failInNetwork, hang);
  tab.retryNow();
  await world.pass(0);
  expect(checks).toHaveLength(2);
  tab.retryNow();
  await world.pass(0);
  expect(checks.map(({ aborted }) => aborted)).toEqual([true, false]);
});

test.each<[string, Check, (tab: Awaited<ReturnType<typeof openTab>>["tab"]) => void]>([
  ["waits for the gateway's Retry-After", refuse(503, 60), () => {}],
  ["is frozen", failInNetwork, (tab) => tab.sleep()],
  ["is closed", failInNetwork, (tab) => tab.close()],
])("verifies no token of a page that gives another one while the tab %s", async (_what, check, act) => {
  const world = createTabWorld();
  const { tab, checks } = await openTab(world, check);
  act(tab);
  tab.retryNow();
  await world.pass(10_000);
  expect(checks).toHaveLength(1);
});

test("verifies again within 1 s after the first failure that follows a success, and later after each one in a row", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const world = createTabWorld();
  const failures = [failInNetwork, failInNetwork];
  const { checks } = await openTab(world, failInNetwork, ...failures, acceptForOneSecond, failInNetwork);
  // Delays of 1, 2 and 4 s, and the second for which the token counts.
  await world.pass(7_000);
  expect(checks).toHaveLength(4);
  await world.pass(1_000);
  expect(checks).toHaveLength(5);
  await world.pass(1_000);
  expect(checks).toHaveLength(6);
});

test("goes on to receive events, and is not stale, while a later check gets no answer", async () => {
  const world = createTabWorld();
  const { tab } = await openTab(world, acceptForOneSecond, refuse(503));
  await world.pass(5_000);
  world.change(1);
  await world.pass(100);
  expect(tab.versions).toEqual(world.versions());
  expect(tab.events.map(({ type }) => type)).not.toContain("stale");
});

test("is stale as soon as the gateway says that the token may read no agents", async () => {
  const world = createTabWorld();
  const { tab } = await openTab(world, acceptForOneSecond, refuse(403));
  await world.pass(999);
  expect(tab.events.at(-1)).toEqual({ type: "heartbeat", ageMs: expect.any(Number) });
  await world.pass(1);
  expect(tab.events.at(-1)).toEqual({ type: "stale" });
});

test("keeps its feed if a later token is of the same subject, and shares another one if not", async () => {
  const world = createTabWorld();
  const acceptOther: Check = () => Promise.resolve({ ...PROOF, sharingKey: "subject 8" });
  const { tab, checks } = await openTab(world, acceptForOneSecond, acceptForOneSecond, acceptOther);
  await world.pass(900);
  const before = tab.events.length;
  await world.pass(1_000);
  expect([checks.length, tab.events.length, world.streamsOpened()]).toEqual([2, before, 1]);
  await world.pass(1_000);
  expect([checks.length, world.openStreams(), world.streamsOpened()]).toEqual([3, 1, 2]);
});

test("verifies nothing while the tab is frozen, and at once when it resumes", async () => {
  const world = createTabWorld();
  const { tab, checks } = await openTab(world, acceptForOneSecond, accept);
  tab.sleep();
  tab.checkConnection();
  await world.pass(60_000);
  expect(checks).toHaveLength(1);
  tab.awake();
  await world.pass(0);
  expect(checks).toHaveLength(2);
});

test("verifies nothing after it is closed, whatever the browser says of the tab", async () => {
  const world = createTabWorld();
  const { tab, checks } = await openTab(world, acceptForOneSecond);
  tab.sleep();
  tab.close();
  tab.awake();
  tab.checkConnection();
  await world.pass(60_000);
  expect([checks.length, world.openStreams()]).toEqual([1, 0]);
});
