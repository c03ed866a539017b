import { expect, onTestFinished, test } from "vitest";
import { startFakeUpstream } from "./fake-upstream.ts";

const AUTHORIZATION = `Basic ${Buffer.from("fake-id:fake-token").toString("base64")}`;

async function setUp() {
  const fake = await startFakeUpstream();
  onTestFinished(fake.close);
  const control = async (method: string, path: string, body?: unknown): Promise<number> => {
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
    return (await fetch(`${fake.controlOrigin}${path}`, init)).status;
  };
  const state = async (path = "/state"): Promise<unknown> => (await fetch(`${fake.controlOrigin}${path}`)).json();
  const ping = () => fetch(`${fake.origin}/v1/ping`, { headers: { Authorization: AUTHORIZATION } });
  return { fake, control, state, ping };
}

test("changes agents", async () => {
  const { fake, control, state } = await setUp();
  expect(await control("PUT", "/users/7", { availability: "in_call" })).toBe(204);
  expect(await control("PUT", "/users/1", { setting: "unavailable" })).toBe(204);
  expect(await control("DELETE", "/users/2")).toBe(204);
  expect(await control("DELETE", "/users/2")).toBe(404);
  expect(fake.company.users()).toEqual([
    { id: 1, availability: "available", setting: "unavailable" },
    { id: 3, availability: "available", setting: "available" },
    { id: 7, availability: "in_call", setting: "available" },
  ]);
  await expect(state()).resolves.toMatchObject({ users: fake.company.users(), fault: null });
});

test("refuses connections on command, and listens at the same port again", async () => {
  const { control, ping } = await setUp();
  expect(await control("PUT", "/fault", { kind: "refuse" })).toBe(204);
  await expect(ping()).rejects.toThrow();
  expect(await control("DELETE", "/fault")).toBe(204);
  expect((await ping()).status).toBe(200);
});

test("fails exactly as often as configured", async () => {
  const { control, ping, state } = await setUp();
  await control("PUT", "/fault", { kind: "answer", status: 500, text: '{"error":"x"}', times: 2 });
  const answers = [await ping(), await ping(), await ping()];
  expect(answers.map(({ status }) => status)).toEqual([500, 500, 200]);
  await expect(answers[0]?.json()).resolves.toEqual({ error: "x" });
  await expect(state("/requests")).resolves.toMatchObject({ count: 3 });
  expect(await control("DELETE", "/requests")).toBe(204);
  await expect(state("/requests")).resolves.toEqual({ count: 0, requests: [] });
});

test("answers late, in half, or with too much", async () => {
  const { control, ping } = await setUp();
  await control("PUT", "/fault", { kind: "slow", delayMs: 1, times: 1 });
  expect((await ping()).status).toBe(200);
  for (const kind of ["reset", "cut"]) {
    await control("PUT", "/fault", { kind, times: 1 });
    await expect(ping().then((answer) => answer.text())).rejects.toThrow();
  }
  await control("PUT", "/fault", { kind: "huge", bytes: 5_000_000, times: 1 });
  expect((await (await ping()).text()).length).toBeGreaterThan(5_000_000);
});

test("leaves a request without a response until the caller disconnects", async () => {
  const { fake, control } = await setUp();
  await control("PUT", "/fault", { kind: "hang" });
  const caller = new AbortController();
  const asking = expect(fetch(`${fake.origin}/v1/ping`, { signal: caller.signal })).rejects.toBe("tired");
  await expect.poll(() => fake.requests.count(), { timeout: 10_000 }).toBe(1);
  caller.abort("tired");
  await asking;
});

test("blocks as though the limit had been passed", async () => {
  const { control, ping } = await setUp();
  expect(await control("POST", "/block")).toBe(204);
  expect((await ping()).status).toBe(429);
});

test.each([
  ["PUT", "/fault", { kind: "explode" }],
  ["PUT", "/fault", { kind: "slow" }],
  ["PUT", "/users/1", { word: "in_call" }],
  ["PUT", "/webhook", { url: "nowhere", token: "x" }],
  ["POST", "/webhook", {}],
])("rejects %s %s with %j", async (method, path, body) => {
  const { control } = await setUp();
  expect(await control(method, path, body)).toBe(400);
});
