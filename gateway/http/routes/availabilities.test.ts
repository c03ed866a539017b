import { gunzipSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { createMemoryStore } from "../../store/memory-store.ts";
import { availabilityServiceOver, testGateway } from "../../test/test-gateway.ts";

/** Creates a gateway with the users 1 to `count`, at version 7. */
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

test("responds with the users that exist, and with a problem for each other user", async () => {
  const response = await (await gatewayOf(3)).request("/v1/availabilities?userIds=3,9,1,9007199254740991");
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/json",
    "cache-control": "private, no-cache",
    vary: "Accept-Encoding",
  });
  await expect(response.json()).resolves.toEqual({
    availabilities: { 1: available(1), 3: available(3) },
    errors: { 9: noUser(9), 9007199254740991: noUser(9007199254740991) },
    updatedAt: { 1: 7, 3: 7 },
    cursor: expect.stringMatching(/^[0-9a-f]{12}-3$/),
  });
});

test("responds with all users if the query names none, with each last change and the stream's cursor", async () => {
  const response = await (await gatewayOf(3)).request("/v1/availabilities");
  await expect(response.json()).resolves.toEqual({
    availabilities: { 1: available(1), 2: available(2), 3: available(3) },
    errors: {},
    updatedAt: { 1: 7, 2: 7, 3: 7 },
    cursor: expect.stringMatching(/^[0-9a-f]{12}-3$/),
  });
});

describe("a list of all users that the client has cached", () => {
  /** Creates a gateway with user 1, who has 30 s of wrap-up time left. The test sets the time. */
  async function setUp() {
    const time = { nowMs: 0 };
    const clock = { wallMs: () => 7, monotonicMs: () => time.nowMs };
    const store = createMemoryStore({ clock }).forCustomer("demo");
    await store.set(1, { status: "available", wrapUp: { configuredSeconds: 60, leftSeconds: 30 } });
    const gateway = await testGateway({ availabilities: availabilityServiceOver(store, clock) });
    const read = (etag?: string | null) =>
      gateway.request("/v1/availabilities", { headers: etag == null ? {} : { "If-None-Match": etag } });
    return { time, store, gateway, read };
  }

  test("is not sent again while no user changes, even if a wrap-up time elapses", async () => {
    const { time, read } = await setUp();
    const tag = (await read()).headers.get("ETag");
    time.nowMs = 20_000;
    const response = await read(tag);
    expect([response.status, await response.text()]).toEqual([304, ""]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag: tag,
      "cache-control": "private, no-cache",
      vary: "Accept-Encoding",
    });
  });

  test.each(["changed", "removed", "joined"])("is sent again after a user has %s", async (event) => {
    const { store, read } = await setUp();
    const first = await read();
    if (event === "changed") await store.set(1, { status: "in_call" });
    else if (event === "removed") await store.remove(1);
    else await store.set(2, { status: "offline" });
    const second = await read(first.headers.get("ETag"));
    expect(second.status).toBe(200);
    expect(second.headers.get("ETag")).not.toBe(first.headers.get("ETag"));
  });

  test("has a weak tag, which does not match a request for some users", async () => {
    const { gateway, read } = await setUp();
    const tag = (await read()).headers.get("ETag");
    expect(tag).toMatch(/^W\/"[0-9a-f]{12}-1"$/);
    const part = await gateway.request("/v1/availabilities?userIds=1", { headers: { "If-None-Match": `${tag}` } });
    expect([part.status, part.headers.get("ETag")]).toEqual([200, null]);
  });

  test("has the error of an agent that cannot be read, and no tag: no change says when the agent can be read again", async () => {
    const { store, read } = await setUp();
    const tag = (await read()).headers.get("ETag");
    const replica = await store.open(new AbortController().signal);
    vi.spyOn(replica, "unreadable").mockReturnValue([2]);
    const response = await read(tag);
    expect([response.status, response.headers.get("ETag")]).toEqual([200, null]);
    await expect(response.json()).resolves.toMatchObject({
      availabilities: { 1: { userId: 1 } },
      errors: { 2: { status: 503, detail: "The availabilities cannot be reached" } },
    });
  });

  test("has the stream's cursor, which continues with later changes only", async () => {
    const { store, read } = await setUp();
    const { cursor } = await (await read()).json();
    const changed = await store.set(1, { status: "in_call" });
    const replica = await store.open(new AbortController().signal);
    expect(replica.changesSince(cursor)).toEqual([{ cursor: replica.cursor(), agent: changed }]);
  });
});

test("responds once for a user who is named several times, and accepts encoded commas", async () => {
  const response = await (await gatewayOf(3)).request("/v1/availabilities?userIds=2%2C2%2C9%2C9");
  const list = { availabilities: { 2: available(2) }, errors: { 9: noUser(9) }, updatedAt: { 2: 7 } };
  expect(await response.text()).toContain(JSON.stringify(list).slice(0, -1));
});

const list = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join();

test("responds with 500 users and rejects 501, repeated ids included", async () => {
  const gateway = await gatewayOf(500);
  const response = await gateway.request(`/v1/availabilities?userIds=${list(500)}`);
  expect(Object.keys((await response.json()).availabilities)).toHaveLength(500);
  for (const userIds of [list(501), `${list(500)},1`]) {
    const rejection = await gateway.request(`/v1/availabilities?userIds=${userIds}`);
    expect(rejection.status).toBe(400);
    await expect(rejection.json()).resolves.toMatchObject({
      detail: "userIds has 501 user ids",
      issues: [{ path: "userIds", expected: "1 to 500 user ids with commas between them, such as 1,2,3" }],
    });
  }
});

const USER_ID = "a whole number from 1 to 9007199254740991";

test.each([
  ["userIds=", "userIds is empty", ["userIds"]],
  ["userIds", "userIds is empty", ["userIds"]],
  ["userIds=1&userIds=2", "userIds is given more than once", ["userIds"]],
  ["userIds=1,abc,2,0", 'userIds has invalid user ids: "abc", "0"', ["userIds.1", "userIds.3"]],
  ["userIds=1,", 'userIds has invalid user ids: ""', ["userIds.1"]],
  ["userIds=1, 2", 'userIds has invalid user ids: " 2"', ["userIds.1"]],
  ["userIds=9007199254740992", 'userIds has invalid user ids: "9007199254740992"', ["userIds.0"]],
  ["userIds=%ZZ", 'userIds has invalid user ids: "%ZZ"', ["userIds.0"]],
  ["userids=1", 'There is no parameter "userids"', ["userids"]],
  ["userIds=1&page=2&per_page=5", 'There is no parameter "page", "per_page"', ["page", "per_page"]],
])("rejects the query %s and names each invalid part", async (query, detail, paths) => {
  const response = await (await gatewayOf(1)).request(`/v1/availabilities?${query}`);
  expect(response.status).toBe(400);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  const body = await response.json();
  expect(body).toMatchObject({ title: "Bad Request", status: 400, detail });
  expect(body.issues.map(({ path }: { path: string }) => path)).toEqual(paths);
  const expected = new Set(body.issues.map((issue: { expected: string }) => issue.expected));
  expect(expected.size).toBe(1);
  if (paths[0]?.startsWith("userIds.")) expect(expected).toContain(USER_ID);
});

test("compresses a long list for clients that accept gzip, and no short list", async () => {
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

test("compresses nothing for clients that reject gzip, and no single availability", async () => {
  const gateway = await gatewayOf(100);
  const rejected = await gateway.request("/v1/availabilities", { headers: { "Accept-Encoding": "gzip;q=0, *;q=0" } });
  expect(rejected.headers.get("Content-Encoding")).toBeNull();
  const single = await gateway.request("/v1/users/1/availability", { headers: { "Accept-Encoding": "gzip" } });
  expect(single.headers.get("Content-Encoding")).toBeNull();
  expect(single.headers.get("Vary")).toBeNull();
});

test("sends the age of the list while the store is down", async () => {
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
  const response = await gateway.request("/v1/availabilities");
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toBe("5");
});
