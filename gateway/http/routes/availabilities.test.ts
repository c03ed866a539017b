import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createMemoryStore } from "../../store/memory-store.ts";
import { availabilityServiceOver, testGateway } from "../../test/test-gateway.ts";

/** A gateway with the users 1 to `count`, at version 7. */
async function gatewayOf(count: number) {
  const clock = { wallMs: () => 7, monotonicMs: () => 0 };
  const store = createMemoryStore({ clock }).forCustomer("demo");
  for (let userId = 1; userId <= count; userId += 1) await store.set(userId, { status: "available" });
  return testGateway({ availabilities: availabilityServiceOver(store, clock) });
}

const available = (userId: number) => ({ userId, status: "available", version: 7 });
const noUser = (userId: number) => ({
  type: "about:blank",
  title: "Not Found",
  status: 404,
  detail: `No user ${userId}`,
});

test("answers those users that exist, and says of each other one why there is nothing", async () => {
  const answer = await (await gatewayOf(3)).request("/v1/availabilities?userIds=3,9,1,9007199254740991");
  expect(answer.status).toBe(200);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "application/json",
    "cache-control": "private, no-cache",
    vary: "Accept-Encoding",
  });
  await expect(answer.json()).resolves.toEqual({
    availabilities: { 1: available(1), 3: available(3) },
    errors: { 9: noUser(9), 9007199254740991: noUser(9007199254740991) },
  });
});

test("answers all users where none is named, with when each last changed and where the stream goes on", async () => {
  const answer = await (await gatewayOf(3)).request("/v1/availabilities");
  await expect(answer.json()).resolves.toEqual({
    availabilities: { 1: available(1), 2: available(2), 3: available(3) },
    errors: {},
    updatedAt: { 1: 7, 2: 7, 3: 7 },
    cursor: expect.stringMatching(/^[0-9a-f]{12}-3$/),
  });
});

describe("a list of all that its reader holds", () => {
  /** A gateway with user 1, who has 30 s of wrap-up time left, at a time that the test sets. */
  async function setUp() {
    const time = { nowMs: 0 };
    const clock = { wallMs: () => 7, monotonicMs: () => time.nowMs };
    const store = createMemoryStore({ clock }).forCustomer("demo");
    await store.set(1, { status: "available", wrapUp: { configuredSeconds: 60, leftSeconds: 30 } });
    const gateway = await testGateway({ availabilities: availabilityServiceOver(store, clock) });
    const read = (held?: string | null) =>
      gateway.request("/v1/availabilities", { headers: held == null ? {} : { "If-None-Match": held } });
    return { time, store, gateway, read };
  }

  test("is not sent again while nobody changes, be it that a wrap-up time runs down", async () => {
    const { time, read } = await setUp();
    const tag = (await read()).headers.get("ETag");
    time.nowMs = 20_000;
    const answer = await read(tag);
    expect([answer.status, await answer.text()]).toEqual([304, ""]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      etag: tag,
      "cache-control": "private, no-cache",
      vary: "Accept-Encoding",
    });
  });

  test.each(["changed", "removed", "joined"])("is sent again once somebody has %s", async (event) => {
    const { store, read } = await setUp();
    const first = await read();
    if (event === "changed") await store.set(1, { status: "in_call" });
    else if (event === "removed") await store.remove(1);
    else await store.set(2, { status: "offline" });
    const second = await read(first.headers.get("ETag"));
    expect(second.status).toBe(200);
    expect(second.headers.get("ETag")).not.toBe(first.headers.get("ETag"));
  });

  test("is told by a weak tag, which stands for no part of it", async () => {
    const { gateway, read } = await setUp();
    const tag = (await read()).headers.get("ETag");
    expect(tag).toMatch(/^W\/"[0-9a-f]{12}-1"$/);
    const part = await gateway.request("/v1/availabilities?userIds=1", { headers: { "If-None-Match": `${tag}` } });
    expect([part.status, part.headers.get("ETag")]).toEqual([200, null]);
  });

  test("leads on to the stream, which tells what has changed since and nothing else", async () => {
    const { store, read } = await setUp();
    const { cursor } = await (await read()).json();
    const changed = await store.set(1, { status: "in_call" });
    const replica = await store.open(new AbortController().signal);
    expect(replica.changesSince(cursor)).toEqual([{ cursor: replica.cursor(), agent: changed }]);
  });
});

test("answers a user once who is named several times, and takes commas as browsers write them", async () => {
  const answer = await (await gatewayOf(3)).request("/v1/availabilities?userIds=2%2C2%2C9%2C9");
  expect(await answer.text()).toBe(JSON.stringify({ availabilities: { 2: available(2) }, errors: { 9: noUser(9) } }));
});

const list = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join();

test("answers 500 users at once, and refuses 501, also where some are the same", async () => {
  const gateway = await gatewayOf(500);
  const answer = await gateway.request(`/v1/availabilities?userIds=${list(500)}`);
  expect(Object.keys((await answer.json()).availabilities)).toHaveLength(500);
  for (const userIds of [list(501), `${list(500)},1`]) {
    const refusal = await gateway.request(`/v1/availabilities?userIds=${userIds}`);
    expect(refusal.status).toBe(400);
    await expect(refusal.json()).resolves.toMatchObject({
      detail: "userIds holds 501 user ids",
      issues: [{ path: "userIds", expected: "1 to 500 user ids with commas between them, such as 1,2,3" }],
    });
  }
});

const USER_ID = "a whole number from 1 to 9007199254740991";

test.each([
  ["userIds=", "userIds is empty", ["userIds"]],
  ["userIds", "userIds is empty", ["userIds"]],
  ["userIds=1&userIds=2", "userIds stands there more than once", ["userIds"]],
  ["userIds=1,abc,2,0", 'userIds holds what is no user id: "abc", "0"', ["userIds.1", "userIds.3"]],
  ["userIds=1,", 'userIds holds what is no user id: ""', ["userIds.1"]],
  ["userIds=1, 2", 'userIds holds what is no user id: " 2"', ["userIds.1"]],
  ["userIds=9007199254740992", 'userIds holds what is no user id: "9007199254740992"', ["userIds.0"]],
  ["userIds=%ZZ", 'userIds holds what is no user id: "%ZZ"', ["userIds.0"]],
  ["userids=1", 'There is no parameter "userids"', ["userids"]],
  ["userIds=1&page=2&per_page=5", 'There is no parameter "page", "per_page"', ["page", "per_page"]],
])("refuses the query %s and names what is bad", async (query, detail, paths) => {
  const answer = await (await gatewayOf(1)).request(`/v1/availabilities?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  const body = await answer.json();
  expect(body).toMatchObject({ title: "Bad Request", status: 400, detail });
  expect(body.issues.map(({ path }: { path: string }) => path)).toEqual(paths);
  const expected = new Set(body.issues.map((issue: { expected: string }) => issue.expected));
  expect(expected.size).toBe(1);
  if (paths[0]?.startsWith("userIds.")) expect(expected).toContain(USER_ID);
});

test("compresses a long list for who takes that, and no short one", async () => {
  const gateway = await gatewayOf(100);
  const headers = { "Accept-Encoding": "br, gzip" };
  const plain = await gateway.request("/v1/availabilities");
  const packed = await gateway.request("/v1/availabilities", { headers });
  expect(plain.headers.get("Content-Encoding")).toBeNull();
  expect(packed.headers.get("Content-Encoding")).toBe("gzip");
  expect(packed.headers.get("Vary")).toBe("Accept-Encoding");
  const bytes = new Uint8Array(await packed.arrayBuffer());
  const text = await plain.text();
  expect(bytes.length).toBeLessThan(text.length / 4);
  expect(gunzipSync(bytes).toString()).toBe(text);
  const short = await gateway.request("/v1/availabilities?userIds=1", { headers });
  expect(short.headers.get("Content-Encoding")).toBeNull();
  expect(short.headers.get("Vary")).toBe("Accept-Encoding");
});

test("compresses nothing for who refuses it, and no single availability", async () => {
  const gateway = await gatewayOf(100);
  const refused = await gateway.request("/v1/availabilities", { headers: { "Accept-Encoding": "gzip;q=0, *;q=0" } });
  expect(refused.headers.get("Content-Encoding")).toBeNull();
  const single = await gateway.request("/v1/users/1/availability", { headers: { "Accept-Encoding": "gzip" } });
  expect(single.headers.get("Content-Encoding")).toBeNull();
  expect(single.headers.get("Vary")).toBeNull();
});

test("says how old the list may be while the store is away", async () => {
  const time = { monotonicMs: 0 };
  const clock = { wallMs: () => 7, monotonicMs: () => time.monotonicMs };
  const store = createMemoryStore({ clock }).forCustomer("demo");
  await store.set(1, { status: "available" });
  const replica = await store.open(new AbortController().signal);
  const open = () => Promise.resolve({ ...replica, staleSinceMs: () => 1000 });
  const gateway = await testGateway({ availabilities: availabilityServiceOver({ ...store, open }, clock) });
  time.monotonicMs = 31_500;
  expect((await gateway.request("/v1/availabilities")).headers.get("Age")).toBe("31");
  time.monotonicMs = 61_500;
  const answer = await gateway.request("/v1/availabilities");
  expect(answer.status).toBe(503);
  expect(answer.headers.get("Retry-After")).toBe("5");
});
