import { expect, test } from "vitest";
import { setUpAircall, testWebhook } from "../../test/test-aircall.ts";

test("sees what a webhook is about long before the poll would, by one read for all that come at once", async () => {
  // One poll in 20 seconds.
  const { time, upstream, statuses, fake } = await setUpAircall({ account: { requestsPerMinute: 6 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  fake.requests.clear();
  const changedAtMs = time.nowMs();
  fake.company.put(2, { availability: "do_not_disturb" });
  // The same event under both names, each twice, and the newer first.
  const events = ["user.closed.v2", "user.closed", "user.closed.v2", "user.closed"];
  for (const event of events) expect(upstream.receiveWebhook?.(testWebhook(event, 2))).toBe("taken");
  await time.until(() => statuses()[2] === "do_not_disturb");
  expect(time.nowMs()).toBe(changedAtMs);
  await upstream.refresh(2);
  const reads = fake.requests.all().filter(({ path }) => path === "/v1/users/2/availability");
  expect(reads).toHaveLength(2);
});

test("knows a new agent by a webhook, and waits for the list before it forgets one", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  fake.company.put(50, { availability: "in_call" });
  await upstream.refresh(50);
  expect(statuses()[50]).toBe("in_call");
  await time.until(() => fake.requests.count() === 3);
  fake.company.remove(50);
  await expect(upstream.refresh(50)).rejects.toMatchObject({ status: 404 });
  expect(statuses()[50]).toBe("in_call");
  // One list is enough: the answer counts as having been missing once.
  const lists = () => fake.requests.all().filter(({ path }) => path.includes("availabilities")).length;
  const before = lists();
  await time.until(() => statuses()[50] === undefined);
  expect(lists()).toBe(before + 1);
});

test("takes no webhooks where no token is configured for them", async () => {
  const { upstream } = await setUpAircall({ account: { webhookToken: undefined } });
  expect(upstream.receiveWebhook).toBeUndefined();
});

test("tells the operator nothing of webhooks that it cannot follow up: the poll says that the API is away", async () => {
  const { time, upstream, fake, told } = await setUpAircall();
  await fake.setFault({ kind: "refuse" });
  for (let userId = 1; userId < 10; userId += 1) upstream.receiveWebhook?.(testWebhook("user.opened", userId));
  await expect(upstream.refresh(9)).rejects.toThrow("could not be reached");
  expect(told).toEqual([]);
  upstream.start();
  await time.until(() => upstream.health().failure !== undefined);
  expect(told).toHaveLength(1);
});
