import { get } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { serveGateway } from "../../serve.ts";
import type { CustomerStore } from "../../store/availability-store.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { createStreamHub, type StreamHubOptions } from "../../stream/stream-hub.ts";
import { TEST_FILES } from "../../test/test-build.ts";
import { availabilityServiceOver, fetchChecked, testCustomers, throwDefect } from "../../test/test-gateway.ts";

interface Setup {
  readonly origin: string;
  readonly store: CustomerStore;
  close(): Promise<void>;
}

async function setUp(options: StreamHubOptions = {}, historyLength = 100): Promise<Setup> {
  const store = createMemoryStore({ historyLength }).forCustomer("demo");
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    {
      customers: await testCustomers({ availabilities: availabilityServiceOver(store) }),
      files: TEST_FILES,
      streams: createStreamHub(options),
      onDefect: throwDefect,
    },
  );
  onTestFinished(gateway.close);
  return { origin: gateway.origin, store, close: gateway.close };
}

/** Opens a stream and collects its blocks. */
function read(origin: string, headers: Readonly<Record<string, string>> = {}, query = "") {
  const received = { text: "", isEnded: false };
  const request = get(`${origin}/v1/availabilities/stream${query}`, { headers }, (response) => {
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      received.text += text;
    });
    response.on("close", () => {
      received.isEnded = true;
    });
  });
  // The test or the gateway closes the connection.
  request.on("error", () => {});
  onTestFinished(() => void request.destroy());
  const blocks = () =>
    received.text
      .replace(/^: open\n\n/, "")
      .split("\n\n")
      .filter(Boolean);
  const tail = () => received.text.slice(-200);
  const text = () => received.text;
  return { text, blocks, tail, hasEnded: () => received.isEnded, hangUp: () => request.destroy() };
}

const eventOf = (block: string) => /^event: (.*)$/m.exec(block)?.[1];
const idOf = (block: string | undefined) => /^id: ?(.*)$/m.exec(block ?? "")?.[1];
const dataOf = (block: string | undefined) => JSON.parse(/^data: (.*)$/m.exec(block ?? "")?.[1] ?? "null");

test("sends a snapshot, with a cursor at its end, and then each change", async () => {
  const { origin, store } = await setUp();
  await store.set(1, { status: "available" });
  await store.set(2, { status: "in_call", wrapUp: { configuredSeconds: 30, leftSeconds: 0 } });
  const { blocks } = read(origin);
  await vi.waitFor(() => expect(blocks().map(eventOf)).toEqual(["reset", "availability", "availability", "current"]));
  expect(blocks().map(idOf)).toEqual(["", undefined, undefined, expect.any(String)]);
  const changed = await store.set(1, { status: "offline" });
  await store.remove(2);
  await vi.waitFor(() => expect(blocks()).toHaveLength(6));
  const [change, removal] = blocks().slice(4);
  expect(dataOf(change)).toEqual({
    userId: 1,
    status: "offline",
    version: changed.version,
    updatedAt: changed.updatedAt,
  });
  expect(eventOf(removal ?? "")).toBe("removal");
  expect(dataOf(removal)).toEqual({ userId: 2, version: expect.any(Number) });
  expect(idOf(removal)).not.toBe(idOf(change));
});

test("sends only the missed changes to a subscriber that reconnects", async () => {
  const { origin, store } = await setUp();
  await store.set(1, { status: "available" });
  const first = read(origin);
  await vi.waitFor(() => expect(first.blocks()).toHaveLength(3));
  const cursor = idOf(first.blocks().at(-1)) ?? "";
  first.hangUp();
  await store.set(1, { status: "in_call" });
  await store.set(2, { status: "offline" });
  const second = read(origin, { "Last-Event-ID": cursor });
  // A heartbeat marks the end of the missed changes.
  await vi.waitFor(() =>
    expect(second.blocks().map((block) => dataOf(block)?.status)).toEqual(["in_call", "offline", undefined]),
  );
  expect(second.blocks().at(-1)).toBe(":");
  await store.set(1, { status: "available" });
  await vi.waitFor(() => expect(second.blocks()).toHaveLength(4));
});

test("responds to a subscriber that reconnects without missed changes, before the next change", async () => {
  const { origin } = await setUp();
  const first = read(origin);
  await vi.waitFor(() => expect(first.blocks()).toHaveLength(2));
  const response = await fetchChecked(`${origin}/v1/availabilities/stream`, {
    headers: { "Last-Event-ID": idOf(first.blocks().at(-1)) ?? "" },
  });
  expect(response.status).toBe(200);
  await response.body?.cancel();
});

test.each([
  ["too old", undefined],
  ["of another process", "abc-1"],
  ["malformed", "💥"],
])("restarts with a snapshot if the cursor is %s", async (_what, cursor) => {
  const { origin, store } = await setUp({}, 10);
  await store.set(1, { status: "available" });
  const first = read(origin);
  await vi.waitFor(() => expect(first.blocks()).toHaveLength(3));
  const old = idOf(first.blocks().at(-1)) ?? "";
  for (let userId = 2; userId <= 40; userId += 1) await store.set(userId, { status: "available" });
  const second = read(origin, { "Last-Event-ID": encodeURIComponent(cursor ?? old) });
  await vi.waitFor(() => expect(second.blocks().map(eventOf)).toContain("current"));
  const events = second.blocks().filter((block) => block !== ":");
  expect(events.map(eventOf)).toEqual(["reset", ...Array(40).fill("availability"), "current"]);
});

test("sends a heartbeat while nothing changes", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const { origin } = await setUp({ heartbeatMs: 15_000 });
  const { blocks } = read(origin);
  await vi.waitFor(() => expect(blocks().map(eventOf)).toEqual(["reset", "current"]), { interval: 5 });
  vi.advanceTimersByTime(15_000);
  await vi.waitFor(() => expect(blocks().at(-1)).toBe(":"));
});

test("disconnects a subscriber that reads too slowly, and keeps sending to the others", async () => {
  const dropped: string[] = [];
  const observer = {
    onStream: () => () => {},
    onFanOut: () => {},
    onSubscriberDropped: (customer: string) => void dropped.push(customer),
  };
  const { origin, store } = await setUp({ maxBufferedBytes: 200_000, observer }, 10_000);
  const slow = get(`${origin}/v1/availabilities/stream`, (response) => void response.pause());
  slow.on("error", () => {});
  onTestFinished(() => void slow.destroy());
  const quick = read(origin);
  await vi.waitFor(() => expect(quick.blocks()).toHaveLength(2));
  // The operating system's buffers have to be full before the gateway buffers anything.
  while (dropped.length === 0) {
    for (let change = 0; change < 250; change += 1) {
      await store.set(1, { status: "in_call" });
      await store.set(1, { status: "available" });
    }
    const { version } = await store.set(1, { status: "offline" });
    await vi.waitFor(() => expect(quick.tail()).toContain(`"version":${version},`), { interval: 1 });
  }
  expect(dropped).toEqual(["demo"]);
  await store.set(2, { status: "offline" });
  await vi.waitFor(() => expect(dataOf(quick.blocks().at(-1))).toMatchObject({ userId: 2 }));
  expect(quick.hasEnded()).toBe(false);
});

test("disconnects every subscriber when the gateway closes, with spread reconnect times", async () => {
  const { origin, close } = await setUp();
  const readers = [1, 2, 3].map(() => read(origin));
  await vi.waitFor(() => expect(readers.map(({ blocks }) => blocks().length)).toEqual([2, 2, 2]));
  await close();
  await vi.waitFor(() => expect(readers.every(({ hasEnded }) => hasEnded())).toBe(true));
  const waits = readers.map(({ blocks }) => Number(/^retry: (\d+)$/.exec(blocks().at(-1) ?? "")?.[1]));
  for (const wait of waits) {
    expect(wait).toBeGreaterThanOrEqual(0);
    expect(wait).toBeLessThanOrEqual(10_000);
  }
});

test("responds to HEAD with a stream's headers", async () => {
  const { origin } = await setUp();
  const response = await fetchChecked(`${origin}/v1/availabilities/stream`, { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("text/event-stream");
  expect(response.headers.get("Cache-Control")).toBe("no-store, no-transform");
  expect(response.headers.get("Content-Encoding")).toBe("identity");
});

test("begins with a comment that is no heartbeat, for a new subscriber and for one that reconnects", async () => {
  const { origin } = await setUp();
  const first = read(origin);
  await vi.waitFor(() => expect(first.blocks()).toHaveLength(2));
  expect(first.text()).toMatch(/^: open\n\nevent: reset\n/);
  const second = read(origin, { "Last-Event-ID": idOf(first.blocks().at(-1)) ?? "" });
  await vi.waitFor(() => expect(second.text()).toBe(": open\n\n:\n\n"));
});

describe("a stream with userIds", () => {
  const userIdOf = (block: string) => dataOf(block)?.userId;

  test("has no snapshot entry, change or removal of an unrequested user", async () => {
    const { origin, store } = await setUp();
    for (const userId of [1, 2, 3]) await store.set(userId, { status: "available" });
    const { blocks } = read(origin, {}, "?userIds=3%2C1,9,1");
    await vi.waitFor(() => expect(blocks().map(eventOf)).toEqual(["reset", "availability", "availability", "current"]));
    expect(blocks().slice(1, 3).map(userIdOf)).toEqual([3, 1]);
    await store.set(2, { status: "offline" });
    await store.remove(2);
    await store.set(3, { status: "in_call" });
    await store.remove(1);
    await store.set(9, { status: "available" });
    await vi.waitFor(() => expect(blocks()).toHaveLength(7));
    const changes = blocks().slice(4);
    expect(changes.map((block) => [eventOf(block), userIdOf(block)])).toEqual([
      ["availability", 3],
      ["removal", 1],
      ["availability", 9],
    ]);
  });

  test("resumes with the missed changes of the requested users, and a cursor after all missed changes", async () => {
    const { origin, store } = await setUp();
    await store.set(1, { status: "available" });
    const first = read(origin, {}, "?userIds=1");
    await vi.waitFor(() => expect(first.blocks()).toHaveLength(3));
    first.hangUp();
    await store.set(1, { status: "in_call" });
    await store.set(2, { status: "offline" });
    const second = read(origin, { "Last-Event-ID": idOf(first.blocks().at(-1)) ?? "" }, "?userIds=1");
    await vi.waitFor(() => expect(second.blocks().map(eventOf)).toEqual(["availability", "current", undefined]));
    expect(dataOf(second.blocks()[0])).toMatchObject({ userId: 1, status: "in_call" });
    const { cursor } = await (await fetchChecked(`${origin}/v1/availabilities`)).json();
    expect(idOf(second.blocks()[1])).toBe(cursor);
  });

  test("resumes after more changes of unrequested users than the history holds, by the cursor of a heartbeat", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { origin, store } = await setUp({ heartbeatMs: 15_000 }, 10);
    await store.set(1, { status: "available" });
    const first = read(origin, {}, "?userIds=1");
    await vi.waitFor(() => expect(first.blocks()).toHaveLength(3), { interval: 5 });
    for (let userId = 2; userId <= 40; userId += 1) await store.set(userId, { status: "available" });
    vi.advanceTimersByTime(15_000);
    await vi.waitFor(() => expect(first.blocks().map(eventOf).slice(3)).toEqual(["current", undefined]), {
      interval: 5,
    });
    // Without further changes, the next heartbeat is a comment alone.
    vi.advanceTimersByTime(15_000);
    await vi.waitFor(() => expect(first.blocks().map(eventOf).slice(3)).toEqual(["current", undefined, undefined]), {
      interval: 5,
    });
    first.hangUp();
    await store.set(1, { status: "in_call" });
    const second = read(origin, { "Last-Event-ID": idOf(first.blocks()[3]) ?? "" }, "?userIds=1");
    await vi.waitFor(() => expect(second.blocks().map(eventOf)).toEqual(["availability", undefined]), { interval: 5 });
    expect(dataOf(second.blocks()[0])).toMatchObject({ userId: 1, status: "in_call" });
  });

  const list = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join();

  test("may be of 100 users", async () => {
    const { origin } = await setUp();
    const response = await fetchChecked(`${origin}/v1/availabilities/stream?userIds=${list(100)}`, { method: "HEAD" });
    expect(response.status).toBe(200);
  });

  const EXPECTED = "1 to 100 user ids with commas between them, such as 1,2,3";

  test.each([
    [`userIds=${list(101)}`, "userIds has 101 user ids", [{ path: "userIds", expected: EXPECTED }]],
    ["userIds=", "userIds is empty", [{ path: "userIds", expected: EXPECTED }]],
    ["userIds=1&userIds=2", "userIds is given more than once", [{ path: "userIds", expected: EXPECTED }]],
    [
      "userIds=1,x",
      'userIds has invalid user ids: "x"',
      [{ path: "userIds.1", expected: "a whole number from 1 to 9007199254740991" }],
    ],
    ["users=1", 'There is no parameter "users"', [{ path: "users", expected: "no parameter but userIds" }]],
  ])("is rejected for ?%s", async (query, detail, issues) => {
    const { origin } = await setUp();
    const response = await fetchChecked(`${origin}/v1/availabilities/stream?${query}`);
    expect(response.status).toBe(400);
    await expect(response.json()).resolves.toMatchObject({ detail, issues });
    const head = await fetchChecked(`${origin}/v1/availabilities/stream?${query}`, { method: "HEAD" });
    expect(head.status).toBe(400);
  });
});
