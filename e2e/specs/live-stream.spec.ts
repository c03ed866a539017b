/** The stream of announcements, when the gateway, the network, the machine or the session fails. */
import type { Page } from "@playwright/test";
import { SCOPES } from "../../gateway/auth/caller.ts";
import { InvalidTokenError } from "../../gateway/auth/invalid-token-error.ts";
import { type LiveCall, type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { openRelay } from "../../gateway/test/relay.ts";
import { canBuffer, startBufferingProxy } from "../fixtures/buffering-proxy.ts";
import { connectorPage, expect, stopClock } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test as base } from "../fixtures/kept-page.ts";
import { announced, keepAnnounced } from "../fixtures/live-page.ts";
import { widgetFrame } from "../fixtures/unresponsive-widget.ts";

interface TokenGateway extends LiveGateway {
  /** The only valid token. Without a user in the token, the page shares its stream with no other page. */
  takes: string;
}

const test = base.extend<{ live: TokenGateway }>({
  live: async ({ host }, use) => {
    const verify = async (token: string) => {
      if (token !== live.takes) throw new InvalidTokenError("The token has been revoked");
      return { subject: "operator", scopes: new Set(SCOPES), key: token, endsAtMs: Number.MAX_SAFE_INTEGER } as const;
    };
    const access = { verify, anonymousReads: false };
    const gateway = await startLiveGateway({ allowedOrigins: [host.origin], access });
    const live = Object.assign(gateway, { takes: "first" });
    await use(live);
    await live.close();
  },
});

const STREAM = "/v1/availabilities/stream";
const ALL = "/v1/availabilities";

/** The calls to a path, with or without a query, except token checks. */
const callsTo = ({ calls }: LiveGateway, path: string): readonly LiveCall[] =>
  calls.filter((call) => call.path.split("?")[0] === path && call.method === "GET");

/** Opens a page with a connector, and with the token in `window.token`. */
async function openConnected(page: Page, host: HostSite, origin: string): Promise<void> {
  await page.goto(host.serve(connectorPage('<script>window.token = "first"</script>')));
  await page.evaluate((src) => {
    const fetchToken = (): string => Reflect.get(window, "token");
    // The clock jumps over the time in which a heartbeat is answered.
    window.connector = window.connect({ src, fetchToken, heartbeatMs: 120_000 });
  }, `${origin}/widget/`);
  await keepAnnounced(page);
}

/** Opens a page that receives every user's changes, with the token in its `token`. */
async function openFollowing(page: Page, host: HostSite, origin: string): Promise<void> {
  await openConnected(page, host, origin);
  await page.evaluate(() => window.connector.request("BUS.INIT", { services: ["USER"] }));
}

/** Opens a page with user 1 and stops the clock: retries are not due from here on. */
async function openStandingStill(page: Page, host: HostSite, live: LiveGateway, origin = live.origin): Promise<void> {
  await live.agents.set(1, { status: "available" });
  await stopClock(page);
  await openFollowing(page, host, origin);
  await expect.poll(() => announced(page)).toHaveLength(1);
}

/** The announced versions of each user, in order. */
async function readVersions(page: Page): Promise<Readonly<Record<number, readonly number[]>>> {
  return page.evaluate(() => {
    const versions: Record<number, number[]> = {};
    for (const { payload } of window.announced) {
      const { userId, version } = payload as { userId: number; version: number };
      versions[userId] ??= [];
      versions[userId].push(version);
    }
    return versions;
  });
}

/** The newest announced version of each user. */
async function readLatest(page: Page): Promise<Readonly<Record<string, number | undefined>>> {
  const versions = Object.entries(await readVersions(page));
  return Object.fromEntries(versions.map(([userId, told]) => [userId, told.at(-1)]));
}

test("a page with one badge downloads the stream of its agent, and a page with a hundred and one that of all", async ({
  page,
  host,
  live,
}) => {
  const count = 101;
  for (let userId = 1; userId <= 5 * count; userId += 1) await live.agents.set(userId, { status: "available" });
  await openConnected(page, host, live.origin);
  /** Watches users up to this id, and waits until each is live. */
  const watchUpTo = async (last: number): Promise<void> => {
    await page.evaluate(async (userId) => {
      const userIds = Array.from({ length: userId }, (_, index) => index + 1);
      const areLive = userIds.map(
        (id) =>
          new Promise<void>((resolve) => {
            window.connector.watch(id, () => {}, { onStatus: ({ status }) => status === "live" && resolve() });
          }),
      );
      await Promise.all(areLive);
    }, last);
  };
  const paths = (): readonly string[] => callsTo(live, STREAM).map(({ path }) => path);
  const readBytes = (): Promise<number> =>
    page.evaluate(async () => (await window.connector.request("BUS.STATS", undefined)).bytes);

  await watchUpTo(1);
  await expect.poll(paths).toEqual([`${STREAM}?userIds=1`]);
  const first = await live.agents.set(1, { status: "in_call" });
  await expect.poll(() => readLatest(page)).toEqual({ 1: first.version });
  // The read of the agent, the snapshot, and the change.
  expect(await readBytes()).toBeLessThan(1_000);

  await watchUpTo(2);
  await expect.poll(paths).toEqual([`${STREAM}?userIds=1`, `${STREAM}?userIds=1,2`]);
  await expect.poll(live.openStreams).toBe(1);
  const second = await live.agents.set(2, { status: "in_call" });
  await expect.poll(() => readLatest(page)).toMatchObject({ 1: first.version, 2: second.version });
  expect(await readBytes()).toBeLessThan(2_000);

  await watchUpTo(count);
  await expect.poll(() => paths().at(-1)).toBe(STREAM);
  const last = await live.agents.set(count, { status: "in_call" });
  await expect.poll(() => readLatest(page)).toMatchObject({ [count]: last.version });
  expect(await readBytes()).toBeGreaterThan(5 * count * 100);
  const versions = Object.values(await readVersions(page));
  expect(versions).toEqual(versions.map((told) => [...new Set(told)].sort((one, other) => one - other)));
});

test("a gateway that is restarted under load loses nothing: the page ends with the latest of each user", async ({
  page,
  host,
  live,
}) => {
  const userIds = Array.from({ length: 20 }, (_, index) => index + 1);
  const change = async (round: number): Promise<void> => {
    const status = round % 2 === 0 ? "available" : "in_call";
    for (const userId of userIds) await live.agents.set(userId, { status });
  };
  await change(0);
  await openFollowing(page, host, live.origin);
  await expect.poll(() => announced(page)).toHaveLength(userIds.length);
  for (let restart = 0; restart < 3; restart += 1) {
    const before = callsTo(live, STREAM).length;
    const round = 10 * restart;
    await change(round + 1);
    await live.close();
    for (let more = 2; more < 6; more += 1) await change(round + more);
    await live.open();
    await change(round + 6);
    // Later changes arrive as usual.
    await expect.poll(() => callsTo(live, STREAM).length).toBeGreaterThan(before);
    await change(round + 7);
  }
  const replica = await live.agents.open(new AbortController().signal);
  const latest = Object.fromEntries([...replica.agents()].map(({ userId, version }) => [userId, version]));
  await expect.poll(() => readLatest(page)).toEqual(latest);
  for (const versions of Object.values(await readVersions(page))) {
    expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other));
  }
  const cursors = callsTo(live, STREAM).map(({ headers }) => headers["last-event-id"]);
  expect(cursors[0]).toBeUndefined();
  for (const cursor of cursors.slice(1)) expect(cursor).toMatch(/^[0-9a-f]+-\d+$/);
});

test("a page that was offline catches up by the cursor as soon as the network is back", async ({
  page,
  host,
  live,
}) => {
  await openStandingStill(page, host, live);
  await page.context().setOffline(true);
  await live.close();
  const { version } = await live.agents.set(1, { status: "in_call" });
  await live.open();
  await page.context().setOffline(false);
  // The clock stands still, so only the event can bring the stream back. The browser's own event may come before the widget has noticed
  // that the stream has ended.
  await expect(async () => {
    await widgetFrame(page, live).evaluate(() => dispatchEvent(new Event("online")));
    expect(await readLatest(page)).toEqual({ 1: version });
  }).toPass();
  expect(callsTo(live, STREAM).at(-1)?.headers["last-event-id"]).toBeDefined();
});

const HOUR_MS = 3_600_000;

test.describe("an hour's sleep", () => {
  const sleeps: Readonly<Record<string, (page: Page) => Promise<void>>> = {
    "in which the monotonic clock stands": async (page) => {
      const nowMs = await page.evaluate(() => Date.now());
      await page.clock.setSystemTime(nowMs + HOUR_MS);
    },
    "in which every clock goes on": (page) => page.clock.fastForward(HOUR_MS),
  };

  for (const [how, sleep] of Object.entries(sleeps)) {
    test(`${how} is caught up with by one call`, async ({ page, host, live }) => {
      const relay = await openRelay(Number(new URL(live.origin).port));
      const origin = `http://127.0.0.1:${relay.port}`;
      await openStandingStill(page, host, live, origin);
      // Bytes to a sleeping machine are lost without an error.
      for (const connection of relay.connections()) connection.hold();
      const { version } = await live.agents.set(1, { status: "in_call" });
      const before = live.calls.length;
      await sleep(page);
      await widgetFrame(page, { origin }).evaluate(() => dispatchEvent(new Event("pageshow")));
      await expect.poll(() => readLatest(page)).toEqual({ 1: version });
      // A separate call verifies the hour-old token, and returns no availability.
      const [call, ...more] = live.calls.slice(before).filter(({ method }) => method === "GET");
      expect([call?.path, call?.headers["last-event-id"] === undefined, more]).toEqual([STREAM, false, []]);
      await relay.close();
    });
  }
});

test("a stream that a proxy buffers is replaced by polling, until it comes through", async ({ page, host, live }) => {
  test.skip(!canBuffer, "nginx is not here");
  const proxy = await startBufferingProxy(live.origin);
  await live.agents.set(1, { status: "available" });
  await live.agents.set(2, { status: "available" });
  await stopClock(page);
  await openFollowing(page, host, proxy.origin);
  await expect.poll(live.openStreams).toBe(1);

  await page.clock.runFor(30_000);
  await expect.poll(() => announced(page)).toHaveLength(2);
  expect(callsTo(live, ALL)).toHaveLength(1);
  // The network may have been down: the stream is tried once more, and is silent as well while polls are answered.
  await expect.poll(() => callsTo(live, STREAM).length).toBe(2);
  await expect
    .poll(async () => {
      await page.clock.runFor(6_000);
      return live.openStreams();
    })
    .toBe(0);

  // Without a change, nothing is sent again.
  await page.clock.runFor(18_000);
  await expect.poll(() => callsTo(live, ALL).at(-1)?.headers["if-none-match"]).toMatch(/^W\//);
  const polled = await live.agents.set(1, { status: "in_call" });
  await expect
    .poll(async () => {
      await page.clock.runFor(18_000);
      return readLatest(page);
    })
    .toMatchObject({ 1: polled.version });
  expect(await announced(page)).toHaveLength(3);

  await proxy.stopBuffering();
  // In steps, so that a requested stream has part of the half minute left.
  await expect
    .poll(
      async () => {
        if (live.openStreams() === 0) await page.clock.runFor(15_000);
        return live.openStreams();
      },
      { intervals: [50], timeout: 20_000 },
    )
    .toBe(1);
  const streamed = await live.agents.set(2, { status: "in_call" });
  await expect.poll(() => readLatest(page)).toMatchObject({ 2: streamed.version });
  expect(callsTo(live, STREAM).at(-1)?.headers["last-event-id"]).toBeDefined();
  const asked = callsTo(live, ALL).length;
  // A stream that was still requested would have been requested again by now, twice.
  await page.clock.runFor(36_000);
  const next = await live.agents.set(2, { status: "available" });
  await expect.poll(() => readLatest(page)).toMatchObject({ 2: next.version });
  expect(callsTo(live, ALL)).toHaveLength(asked);
  await proxy.close();
});

test("a page with one badge polls for its agent alone while a proxy buffers the stream", async ({
  page,
  host,
  live,
}) => {
  test.skip(!canBuffer, "nginx is not here");
  const proxy = await startBufferingProxy(live.origin);
  await live.agents.set(1, { status: "available" });
  await live.agents.set(2, { status: "available" });
  await stopClock(page);
  await openConnected(page, host, proxy.origin);
  const variables = { userIds: [1] };
  await page.evaluate(
    (watched) => window.connector.request("API.WATCH_AVAILABILITIES", { variables: watched }),
    variables,
  );
  await expect.poll(live.openStreams).toBe(1);
  await page.clock.runFor(30_000);
  await expect.poll(() => callsTo(live, ALL).map(({ path }) => path)).toEqual([`${ALL}?userIds=1`]);
  const { version } = await live.agents.set(1, { status: "in_call" });
  await expect
    .poll(async () => {
      await page.clock.runFor(18_000);
      return readLatest(page);
    })
    .toEqual({ 1: version });
  await proxy.close();
});

test("a session that has ended is announced once, causes only a check of the token every 4 to 8 s, and resumes with a new token of the page's", async ({
  page,
  host,
  live,
}) => {
  await openStandingStill(page, host, live);

  live.takes = "second";
  await live.close();
  await live.open();
  await expect
    .poll(async () => {
      await page.clock.runFor(1_000);
      return (await announced(page)).slice(1);
    })
    .toEqual([{ type: "AUTH.SESSION_EXPIRED" }]);

  const ask = (): Promise<unknown> =>
    page.evaluate(() =>
      window.connector.dispatch({ type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 1 } } }),
    );
  const streams = callsTo(live, STREAM).length;
  for (let asked = 0; asked < 2; asked += 1) {
    expect(await ask()).toMatchObject({
      payload: { error: { status: 401, title: "Unauthorized" } },
      meta: { source: "backend", status: 401 },
    });
  }
  const calls = live.calls.length;
  // In steps, so that each heartbeat is answered within its 120 s.
  for (let minute = 0; minute < 10; minute += 1) await page.clock.runFor(60_000);
  expect(await ask()).toMatchObject({ meta: { status: 401 } });
  const checks = live.calls.slice(calls).filter(({ method }) => method === "HEAD");
  expect(new Set(checks.map(({ path }) => path))).toEqual(new Set([STREAM]));
  expect(checks.length).toBeGreaterThan(10);
  expect(checks.length).toBeLessThanOrEqual(151);
  // Beside these only the calls of the latest request.
  const others = live.calls.slice(calls).filter(({ method }) => method !== "HEAD");
  expect(others.map(({ path }) => path)).toEqual(["/v1/users/1/availability"]);
  expect(callsTo(live, STREAM)).toHaveLength(streams);
  expect(await announced(page)).toHaveLength(2);

  await page.evaluate(() => Reflect.set(window, "token", "second"));
  // The widget asks a page that has given the rejected token again only after a pause.
  await page.clock.runFor(500);
  expect(await ask()).toMatchObject({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED" });
  // At once: the clock stands still.
  await expect.poll(live.openStreams).toBe(1);
  // Unchanged users are announced too: the end of the session has made the page's data void.
  const [first] = await announced(page);
  await expect.poll(async () => (await announced(page)).slice(2)).toEqual([first]);
  const { version } = await live.agents.set(1, { status: "in_call" });
  await expect
    .poll(async () => (await announced(page)).at(-1))
    .toMatchObject({ type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload: { version } });
});
