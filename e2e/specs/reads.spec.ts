/** The widget's reads at the gateway, and their number. */

import { SCOPES } from "../../gateway/auth/caller.ts";
import { type LiveCall, type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { expect, openConnected } from "../fixtures/fixtures.ts";
import { test as base } from "../fixtures/kept-page.ts";

const test = base.extend<{ live: LiveGateway }>({
  live: async ({ host }, use) => {
    const verify = async (key: string) =>
      ({ subject: "operator", scopes: new Set(SCOPES), key, endsAtMs: Number.MAX_SAFE_INTEGER }) as const;
    const access = { verify, anonymousReads: true };
    const live = await startLiveGateway({ allowedOrigins: [host.origin], access });
    await use(live);
    await live.close();
  },
});

const heldVersions = (calls: readonly LiveCall[]): readonly unknown[] =>
  calls.filter(({ path }) => path === "/v1/users/1/availability").map(({ headers }) => headers["if-none-match"]);

test("a watched agent whose wrap-up time has run down is read again, with the cached version", async ({
  page,
  host,
  live,
}) => {
  await openConnected(page, host, live.origin);
  const wrapUp = { configuredSeconds: 30, leftSeconds: 4 };
  const { version } = await live.agents.set(1, { status: "available", wrapUp });
  await page.evaluate(() => window.connector.request("API.WATCH_AVAILABILITIES", { variables: { userIds: [1] } }));
  await expect.poll(() => heldVersions(live.calls), { timeout: 15_000 }).toEqual([undefined, `"${version}"`]);
  const read = await page.evaluate(() =>
    window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } }),
  );
  expect(read).toEqual({ userId: 1, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 0, version });
  // The page's read is a call of its own, or shares the widget's if that is not answered yet.
  expect(new Set(heldVersions(live.calls))).toEqual(new Set([undefined, `"${version}"`]));
});

test("requests for agents that arrive during the fetch of the page's token share one call", async ({
  page,
  host,
  live,
}) => {
  for (let userId = 1; userId <= 20; userId += 1) await live.agents.set(userId, { status: "available" });
  await openConnected(page, host, live.origin);
  const outcome = await page.evaluate(async (src) => {
    let give = (): void => {};
    const given = new Promise<string>((resolve) => {
      give = () => resolve("t1");
    });
    const fetchToken = (): Promise<string> => given;
    const connector = window.connect({ src, fetchToken });
    await connector.ready;
    const asked = Array.from({ length: 20 }, (_, index) =>
      connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: index + 1 } }),
    );
    // Settled after every earlier request, because it needs no backend.
    await connector.request("BUS.PING", undefined);
    give();
    const userIds = (await Promise.all(asked)).map(({ userId }) => userId);
    return { userIds, statistics: await connector.request("BUS.STATS", undefined) };
  }, `${live.origin}/widget/`);
  expect(outcome.userIds).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(outcome.statistics).toMatchObject({ calls: 1, coalesced: 19, retries: 0, streams: 0 });
  expect(live.calls).toHaveLength(1);
});
