/** Statuses that the gateway sets by the API. */
import { expect, test, vi } from "vitest";
import { createAvailabilityService } from "../../availability-service.ts";
import type { Fault } from "../../test/fake-upstream/faults.ts";
import { JSON_HEADERS, respondWith, setUpAircall } from "../../test/test-aircall.ts";
import { UnsupportedStatusError, UpstreamError } from "../upstream.ts";

const never = new AbortController().signal;

const checkAgent = async () => {};

test("sets a status with the caller's trace, and resolves with the agent read back", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  fake.company.put(2, { availability: "in_call" });
  await time.until(() => statuses()[2] === "in_call");
  const setting = upstream.setStatus(
    { userId: 1, status: "do_not_disturb", checkAgent },
    { signal: never, traceparent: "00-a-b-01" },
  );
  await expect(setting).resolves.toMatchObject({ userId: 1, status: "do_not_disturb" });
  expect(statuses()[1]).toBe("do_not_disturb");
  expect(fake.company.find(1)).toMatchObject({ setting: "unavailable", availability: "do_not_disturb" });
  expect(fake.requests.all().find(({ method }) => method === "PUT")).toMatchObject({
    path: "/v1/users/1",
    traceparent: "00-a-b-01",
  });
});

test("never shows as available an agent whom the API accepts to make available but leaves in a call", async () => {
  const { time, upstream, statuses, fake, store } = await setUpAircall();
  upstream.start();
  fake.company.put(2, { availability: "in_call" });
  await time.until(() => statuses()[2] === "in_call");
  const seen: unknown[] = [];
  const replica = await store.forCustomer("acme").open(never);
  replica.listen({ onChange: (change) => void seen.push(change), onReset: () => {} });
  // Webhooks have spent all reads after webhooks.
  for (let userId = 1_000; userId < 1_030; userId += 1) upstream.refresh(userId).catch(() => {});
  await time.until(() => fake.requests.count() > 20);
  await expect(
    upstream.setStatus({ userId: 2, status: "available", checkAgent }, { signal: never }),
  ).resolves.toMatchObject({ status: "in_call" });
  expect(fake.company.find(2)).toMatchObject({ setting: "available" });
  expect(seen).toEqual([]);
});

test("stores no status that was set but cannot be read back, and reads the agent later", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  const fault: Fault = { kind: "answer", status: 500, text: '{"error":"x"}', headers: JSON_HEADERS, times: 1 };
  fake.company.listen(() => void fake.setFault(fault));
  const setting = upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  await expect(setting).rejects.toMatchObject({ status: 500, body: { error: "x" } });
  expect(statuses()[1]).toBe("available");
  const failedAtMs = time.nowMs();
  await time.until(() => statuses()[1] === "do_not_disturb");
  expect(time.nowMs()).toBe(failedAtMs);
});

test("makes one of two concurrent changes on the condition of the same version, and rejects the other", async () => {
  const { time, upstream, statuses, fake, store } = await setUpAircall();
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  const customerStore = store.forCustomer("acme");
  const service = createAvailabilityService({ store: customerStore, upstream, staleLimitSeconds: 60 });
  const version = (await customerStore.open(never)).read(1)?.version ?? 0;
  const change = { userId: 1, status: "do_not_disturb", ifVersions: [version] } as const;
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => service.setStatus(change, { signal: never })));
  expect(outcomes.map((outcome) => (outcome.status === "fulfilled" ? "made" : outcome.reason.name))).toEqual([
    "made",
    "VersionMismatchError",
    "VersionMismatchError",
  ]);
  expect(fake.requests.all().filter(({ method }) => method === "PUT")).toHaveLength(1);
});

test("lets the next change begin when a change fails", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  await fake.setFault({ kind: "reset", times: 1 });
  const first = upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  const second = upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  await expect(first).rejects.toThrow("could not be reached");
  await expect(second).resolves.toMatchObject({ status: "do_not_disturb" });
});

test("does not overwrite a change with an earlier read", async () => {
  const delayed: { isDelaying: boolean; readonly responses: (() => void)[] } = { isDelaying: false, responses: [] };
  const { time, upstream, statuses, fake } = await setUpAircall({
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (!delayed.isDelaying || !response.url.includes("availabilities")) return response;
      await new Promise<void>((resolve) => {
        delayed.responses.push(resolve);
        init?.signal?.addEventListener("abort", () => resolve());
      });
      return response;
    },
  });
  const happens = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 10_000 });
  upstream.start();
  await happens(() => upstream.health().staleSinceMs === undefined);
  delayed.isDelaying = true;
  fake.company.put(2, { availability: "in_call" });
  await time.elapse(3_000);
  // The list response is delayed back while the agent is changed.
  await happens(() => delayed.responses.length === 1);
  await upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  delayed.responses[0]?.();
  await happens(() => statuses()[2] === "in_call");
  expect(statuses()[1]).toBe("do_not_disturb");
});

test.each(["offline", "in_call", "on_mobile", "in_traning", "other"] as const)(
  "rejects setting %s without calling the API",
  async (status) => {
    const { upstream, fake } = await setUpAircall();
    const setting = upstream.setStatus({ userId: 1, status: status, checkAgent }, { signal: never });
    await expect(setting).rejects.toThrow(UnsupportedStatusError);
    await expect(setting).rejects.toThrow(`cannot set ${status}, only available or do_not_disturb`);
    expect(fake.requests.count()).toBe(0);
  },
);

test("forwards the API's rejection of a write, and a 404 for an unknown agent", async () => {
  const { upstream, fake } = await setUpAircall();
  const setting = upstream.setStatus({ userId: 99, status: "available", checkAgent }, { signal: never });
  await expect(setting).rejects.toMatchObject({ status: 404, body: { error: "User not found" } });
  await fake.setFault(respondWith(405, '{"error":"user not available"}'));
  const rejected = upstream.setStatus({ userId: 1, status: "available", checkAgent }, { signal: never });
  await expect(rejected).rejects.toMatchObject({ status: 405, body: { error: "user not available" } });
});

test("reserves budget for writes and tells when more is available", async () => {
  const { upstream, fake, time } = await setUpAircall({ account: { requestsPerMinute: 6 } });
  // A budget of 6 has one slot for writes and two for refreshes, all unused here. A write takes two slots, a write that
  // the API rejects takes one.
  const outcomes = [];
  for (let writes = 0; writes < 3; writes += 1) {
    outcomes.push(
      await upstream
        .setStatus({ userId: 99, status: "available", checkAgent }, { signal: never })
        .catch((error: unknown) => error),
    );
  }
  expect(outcomes.map((error) => error instanceof UpstreamError && error.status)).toEqual([404, 404, false]);
  expect(outcomes[2]).toMatchObject({ name: "RateBudgetError", retryAfterSeconds: 61 });
  expect(fake.requests.count()).toBe(2);
  await time.elapse(61_000);
  await expect(
    upstream.setStatus({ userId: 99, status: "available", checkAgent }, { signal: never }),
  ).rejects.toMatchObject({ status: 404 });
});
