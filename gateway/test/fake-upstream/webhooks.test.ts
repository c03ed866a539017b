import * as v from "valibot";
import { expect, onTestFinished, test } from "vitest";
import { startFakeUpstream } from "./fake-upstream.ts";
import { openListener } from "./listener.ts";
import { toWebhookEvents } from "./webhook-events.ts";

const Envelope = v.object({
  resource: v.string(),
  event: v.string(),
  timestamp: v.number(),
  token: v.string(),
  data: v.record(v.string(), v.unknown()),
});
type Envelope = v.InferOutput<typeof Envelope>;

function named(before: string | undefined, after: string | undefined): readonly string[] {
  const user = (availability: string) => ({ id: 1, availability, setting: "available" }) as const;
  return toWebhookEvents(before ? user(before) : undefined, after ? user(after) : undefined).map(({ event }) => event);
}

test.each<[string, string, readonly string[]]>([
  ["available", "in_call", ["call.answered"]],
  ["in_call", "available", ["call.hungup", "call.ended"]],
  ["in_call", "in_call", []],
])("announces the call of an agent who is %s and becomes %s by %j", (before, after, names) => {
  expect(named(before, after).filter((event) => event.startsWith("call."))).toEqual(names);
});

test.each<[string | undefined, string | undefined, readonly string[]]>([
  [undefined, "available", ["created"]],
  ["available", undefined, ["deleted"]],
  ["offline", "available", ["connected", "opened"]],
  ["available", "offline", ["disconnected"]],
  ["available", "do_not_disturb", ["closed", "closed"]],
  ["available", "out_for_lunch", ["closed", "closed"]],
  ["in_call", "after_call_work", ["wut_start"]],
  ["after_call_work", "available", ["wut_end", "opened"]],
  ["available", "in_call", []],
  ["available", "available", []],
])("announces %s becoming %s by %j, each under both of its names", (before, after, names) => {
  expect(named(before, after).filter((event) => event.startsWith("user."))).toEqual(
    names.flatMap((name) => [`user.${name}`, `user.${name}.v2`]),
  );
});

test("has the sub-status in the second of the events of going unavailable", () => {
  const user = { id: 1, availability: "available", setting: "available" } as const;
  const events = toWebhookEvents(user, { ...user, availability: "on_a_break" });
  expect(events.map(({ data }) => data["substatus"])).toEqual([undefined, undefined, "on_a_break", "on_a_break"]);
});

/**
 * Starts a fake and a target for its webhooks. The target answers the first deliveries with the given statuses and
 * later deliveries with 204.
 */
async function setUp(statuses: readonly number[] = []) {
  const received: Envelope[] = [];
  const left = [...statuses];
  const target = await openListener(0, (request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      received.push(v.parse(Envelope, JSON.parse(text)));
      response.writeHead(left.shift() ?? 204).end();
    });
  });
  const fake = await startFakeUpstream();
  onTestFinished(async () => {
    await fake.close();
    await target.refuse();
  });
  return { fake, received, target };
}

test("posts an envelope with the token for each event", async () => {
  const { fake, received, target } = await setUp();
  fake.webhooks.configure({ url: target.origin, token: "secret", copies: 1, isShuffled: false, retryDelayMs: 0 });
  fake.company.put(2, { availability: "offline" });
  await expect
    .poll(() => fake.webhooks.counts(), { timeout: 10_000 })
    .toEqual({ delivered: 2, failedAttempts: 0, waiting: 0 });
  expect(received).toContainEqual({
    resource: "user",
    event: "user.disconnected",
    timestamp: expect.any(Number),
    token: "secret",
    data: expect.objectContaining({ id: 2 }),
  });
});

test("sends copies in any order on command, and retries failed deliveries", async () => {
  const { fake, received, target } = await setUp([500, 302, 404]);
  fake.webhooks.configure({ url: target.origin, token: "secret", copies: 3, isShuffled: true, retryDelayMs: 0 });
  fake.company.put(2, { availability: "offline" });
  await expect
    .poll(() => fake.webhooks.counts(), { timeout: 10_000 })
    .toEqual({ delivered: 6, failedAttempts: 3, waiting: 0 });
  expect(received).toHaveLength(9);
});

test("turns itself off after 50 failed attempts, until it is configured again", async () => {
  const { fake, received, target } = await setUp(Array<number>(50).fill(503));
  const settings = { url: target.origin, token: "secret", copies: 1, isShuffled: false, retryDelayMs: 0 };
  fake.webhooks.configure(settings);
  fake.webhooks.send([{ event: "user.opened", data: { id: 1 } }]);
  await expect
    .poll(() => fake.webhooks.counts(), { timeout: 10_000 })
    .toEqual({ delivered: 0, failedAttempts: 50, waiting: 0 });
  fake.webhooks.send([{ event: "user.opened", data: { id: 1 } }]);
  expect(fake.webhooks.counts().waiting).toBe(0);
  fake.webhooks.configure(settings);
  fake.webhooks.send([{ event: "user.opened", data: { id: 1 } }]);
  await expect.poll(() => fake.webhooks.counts().delivered, { timeout: 10_000 }).toBe(1);
  expect(received).toHaveLength(51);
});

test("discards queued events when it is stopped", async () => {
  const fake = await startFakeUpstream();
  const nowhere = await openListener(0, () => {});
  await nowhere.refuse();
  const url = nowhere.origin;
  fake.webhooks.configure({ url, token: "secret", copies: 1, isShuffled: false, retryDelayMs: 60_000 });
  fake.company.put(2, { availability: "offline" });
  await expect.poll(() => fake.webhooks.counts().failedAttempts, { timeout: 10_000 }).toBe(2);
  await fake.close();
  expect(fake.webhooks.counts()).toMatchObject({ delivered: 0, waiting: 0 });
});
