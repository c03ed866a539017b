/** Live announcements, from the gateway's stream through the widget to the page. */
import { expect, openConnected } from "../fixtures/fixtures.ts";
import { announced, keepAnnounced, test } from "../fixtures/live-page.ts";

test("announces every user after BUS.INIT, and each change, until BUS.DESTROY", async ({ page, host, live }) => {
  await live.agents.set(1, { status: "available" });
  await live.agents.set(2, { status: "offline" });
  await openConnected(page, host, live.origin);
  await keepAnnounced(page);
  await page.evaluate(() => window.connector.request("BUS.INIT", { services: ["USER"] }));
  await expect.poll(() => announced(page)).toHaveLength(2);
  const { version, updatedAt } = await live.agents.set(2, { status: "in_call" });
  await expect.poll(() => announced(page)).toHaveLength(3);
  expect((await announced(page)).at(-1)).toEqual({
    type: "USER.TEAMMATE_AVAILABILITY_CHANGED",
    payload: { userId: 2, status: "in_call", version, updatedAt },
  });
  await page.evaluate(() => window.connector.request("BUS.DESTROY", { services: ["USER"] }));
  await expect.poll(live.openStreams).toBe(0);
});

test("announces the changes of watched users alone, and answers with their present availabilities", async ({
  page,
  host,
  live,
}) => {
  for (const userId of [1, 2, 3]) await live.agents.set(userId, { status: "available" });
  await openConnected(page, host, live.origin);
  await keepAnnounced(page);
  const watched = await page.evaluate(() =>
    window.connector.request("API.WATCH_AVAILABILITIES", { variables: { userIds: [1, 3, 404] } }),
  );
  expect(Object.keys(watched)).toEqual(["1", "3"]);
  await expect.poll(live.openStreams).toBe(1);
  await live.agents.set(2, { status: "offline" });
  const { version, updatedAt } = await live.agents.set(3, { status: "offline" });
  const payload = { userId: 3, status: "offline", version, updatedAt };
  await expect.poll(() => announced(page)).toEqual([{ type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload }]);
});
