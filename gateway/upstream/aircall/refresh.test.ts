import { expect, test } from "vitest";
import { setUpAircall, testWebhook } from "../../test/test-aircall.ts";

test("reads a webhook's agent long before the next poll, once for all simultaneous webhooks", async () => {
  // One poll in 20 seconds.
  const { time, upstream, statuses, fake } = await setUpAircall({ account: { requestsPerMinute: 6 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  fake.requests.clear();
  const changedAtMs = time.nowMs();
  fake.company.put(2, { availability: "do_not_disturb" });
  // The event twice with the old and the new name, the new name first.
  const events = ["user.closed.v2", "user.closed", "user.closed.v2", "user.closed"];
  for (const event of events) expect(upstream.receiveWebhook?.(testWebhook(event, 2))).toBe("accepted");
  await time.until(() => statuses()[2] === "do_not_disturb");
  expect(time.nowMs()).toBe(changedAtMs);
  await upstream.refresh(2);
  const reads = fake.requests.all().filter(({ path }) => path === "/v1/users/2/availability");
  expect(reads).toHaveLength(2);
});

test("adds an agent after a webhook, and waits for the list before removing an agent", async () => {
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
  // A single list is enough, because the 404 counts as an absence.
  const lists = () => fake.requests.all().filter(({ path }) => path.includes("availabilities")).length;
  const before = lists();
  await time.until(() => statuses()[50] === undefined);
  expect(lists()).toBe(before + 1);
});

test("receives no webhooks without a configured token", async () => {
  const { upstream } = await setUpAircall({ account: { webhookToken: undefined } });
  expect(upstream.receiveWebhook).toBeUndefined();
});

test("does not log failed refreshes after webhooks, because the poll reports the outage", async () => {
  const { time, upstream, fake, logged } = await setUpAircall();
  await fake.setFault({ kind: "refuse" });
  for (let userId = 1; userId < 10; userId += 1) upstream.receiveWebhook?.(testWebhook("user.opened", userId));
  await expect(upstream.refresh(9)).rejects.toThrow("could not be reached");
  expect(logged).toEqual([]);
  upstream.start();
  await time.until(() => upstream.health().failure !== undefined);
  expect(logged).toHaveLength(1);
});
