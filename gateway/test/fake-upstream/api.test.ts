import * as v from "valibot";
import { expect, test } from "vitest";
import { createFakeUpstream } from "./fake-upstream.ts";

const AUTHORIZATION = `Basic ${Buffer.from("fake-id:fake-token").toString("base64")}`;

function setUp(options: Parameters<typeof createFakeUpstream>[0] = {}) {
  const fake = createFakeUpstream(options);
  const ask = (path: string, init: Omit<RequestInit, "headers"> & { readonly headers?: Record<string, string> } = {}) =>
    fake.api.request(path, { ...init, headers: { Authorization: AUTHORIZATION, ...init.headers } });
  const get = async (path: string): Promise<unknown> => (await ask(path)).json();
  return { fake, ask, get };
}

const Page = v.object({ users: v.array(v.unknown()), meta: v.object({ next_page_link: v.nullable(v.string()) }) });

test("answers a list of one agent with a body as recorded from the API", async () => {
  const { get } = setUp({ users: 1 });
  await expect(get("/v1/users/availabilities?per_page=50")).resolves.toEqual({
    users: [{ availability: "available", id: 1 }],
    meta: { count: 1, total: 1, current_page: 1, per_page: 50, next_page_link: null, previous_page_link: null },
  });
});

test("lists 20 agents per page by default, and silently at most 50", async () => {
  const { get } = setUp({ users: 120 });
  const counts = [];
  for (const query of ["", "?per_page=50", "?per_page=100", "?per_page=50&page=3", "?per_page=50&page=4"]) {
    const { users, meta } = v.parse(Page, await get(`/v1/users/availabilities${query}`));
    counts.push([users.length, meta.next_page_link !== null]);
  }
  expect(counts).toEqual([
    [20, true],
    [50, true],
    [50, true],
    [20, false],
    [0, false],
  ]);
});

test("rejects pages beyond 10,000 agents", async () => {
  const { ask } = setUp();
  expect((await ask("/v1/users/availabilities?per_page=50&page=200")).status).toBe(200);
  expect((await ask("/v1/users/availabilities?per_page=50&page=201")).status).toBe(400);
  // The size after clamping counts.
  expect((await ask("/v1/users/availabilities?per_page=100&page=200")).status).toBe(200);
});

test("answers one agent without naming the company", async () => {
  const { get, fake } = setUp();
  fake.company.put(2, { availability: "after_call_work" });
  await expect(get("/v1/users/2/availability")).resolves.toEqual({ availability: "after_call_work" });
});

test.each([
  [undefined, 401, { message: "Unauthorized" }],
  ["Basic d3Jvbmc6d3Jvbmc=", 403, { message: "Forbidden" }],
])("rejects the credentials %s with %s", async (authorization, status, body) => {
  const { fake } = setUp();
  const headers = authorization ? { Authorization: authorization } : {};
  const answer = await fake.api.request("/v1/ping", { headers });
  expect(answer.status).toBe(status);
  await expect(answer.json()).resolves.toEqual(body);
});

test.each(["/v1/nothing", "/v1/users/99/availability"])(
  "answers 404 at %s as the API's application does",
  async (path) => {
    const { ask } = setUp();
    const answer = await ask(path);
    expect(answer.status).toBe(404);
    await expect(answer.json()).resolves.toEqual({ error: expect.any(String), troubleshoot: expect.any(String) });
  },
);

test.each([
  ["available", "do_not_disturb", "available"],
  ["unavailable", "available", "do_not_disturb"],
  ["custom", "do_not_disturb", "available"],
  ["available", "in_call", "in_call"],
  ["available", "after_call_work", "after_call_work"],
  ["available", "offline", "offline"],
])("sets an agent %s who was %s: %s", async (setting, before, after) => {
  const { fake, ask, get } = setUp();
  fake.company.put(1, { availability: before });
  const body = JSON.stringify({ availability_status: setting });
  const answer = await ask("/v1/users/1", { method: "PUT", body });
  expect(answer.status).toBe(200);
  await expect(answer.json()).resolves.toMatchObject({ user: { id: 1, availability_status: setting } });
  await expect(get("/v1/users/1/availability")).resolves.toEqual({ availability: after });
});

test("sets nothing else", async () => {
  const { ask } = setUp();
  for (const body of ["", "{}", '{"availability_status":"on_a_break"}']) {
    expect((await ask("/v1/users/1", { method: "PUT", body })).status).toBe(400);
  }
});

test("blocks a caller for a minute after the limit, without headers", async () => {
  const time = { nowMs: 0 };
  const { ask } = setUp({ requestsPerMinute: 3, nowMs: () => time.nowMs });
  const statusAt = async (nowMs: number): Promise<number> => {
    time.nowMs = nowMs;
    return (await ask("/v1/ping")).status;
  };
  expect([await statusAt(0), await statusAt(20_000), await statusAt(40_000)]).toEqual([200, 200, 200]);
  expect(await statusAt(59_999)).toBe(429);
  // The block counts from the moment when the limit was passed, not from later requests.
  expect([await statusAt(60_000), await statusAt(119_998), await statusAt(119_999)]).toEqual([429, 429, 200]);
  const answer = await ask("/v1/ping");
  expect([...answer.headers.keys()].filter((name) => name.startsWith("x-aircallapi"))).toEqual([]);
});

test("logs the received requests without the credentials", async () => {
  const { fake, ask } = setUp();
  await ask("/v1/users/availabilities?page=1", { headers: { traceparent: "00-a-b-01" } });
  await ask("/v1/nothing");
  expect(fake.requests.all()).toEqual([
    {
      method: "GET",
      path: "/v1/users/availabilities?page=1",
      status: 200,
      traceparent: "00-a-b-01",
      atMs: expect.any(Number),
    },
    { method: "GET", path: "/v1/nothing", status: 404, atMs: expect.any(Number) },
  ]);
  expect(JSON.stringify(fake.requests.all())).not.toContain("Basic");
});
