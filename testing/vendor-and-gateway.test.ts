/** The vendor in memory beside the real gateway: a page cannot tell one from the other, so that the vendor cannot drift. */
import { getRequestListener } from "@hono/node-server";
import { expect, onTestFinished, test, vi } from "vitest";
import { createGateway } from "../gateway/app.ts";
import { createMemoryStore } from "../gateway/store/memory-store.ts";
import { createStreamHub } from "../gateway/stream/stream-hub.ts";
import { toToken } from "../gateway/test/golden-exchanges.ts";
import { TEST_FILES } from "../gateway/test/test-build.ts";
import { accessOf, availabilityServiceOver, testCustomers, throwDefect } from "../gateway/test/test-gateway.ts";
import type { Connector } from "../host/connector.ts";
import { createConnector } from "../host/create-connector.ts";
import type { RequestType } from "../host/event-types.ts";
import { listen } from "../scripts/testing/local-server.ts";
import type { AvailabilityState } from "../shared/contracts/read-availability.ts";
import { createTestWidget } from "../widget/test/test-widget.ts";
import { createTestConnector } from "./create-test-connector.ts";
import { createMemoryConnection } from "./memory-connection.ts";

const ORIGIN = "https://crm.example.com";
const AGENTS = { 123: "available", 124: "offline" } as const satisfies Record<number, AvailabilityState>;
const TOKEN = toToken({ sub: "123" });

/** A connector, and the backend behind it. */
interface Side {
  readonly connector: Connector;
  /** Announcements, and calls of the watch's listeners. */
  readonly heard: unknown[];
  set(userId: number, status: (typeof AGENTS)[123 | 124] | "do_not_disturb"): unknown;
  remove(userId: number): unknown;
}

function openVendorSide(): Side {
  const connector = createTestConnector({ availabilities: AGENTS, userId: 123, fetchToken: () => TOKEN });
  onTestFinished(connector.destroy);
  return { connector, heard: [], set: connector.setAvailability, remove: connector.removeUser };
}

async function openGatewaySide(): Promise<Side> {
  const agents = createMemoryStore().forCustomer("demo");
  for (const [userId, status] of Object.entries(AGENTS)) await agents.set(Number(userId), { status });
  const customers = await testCustomers({ availabilities: availabilityServiceOver(agents), access: accessOf(123) });
  const streams = createStreamHub();
  const gateway = createGateway({ customers, files: TEST_FILES, streams, onDefect: throwDefect });
  const answer = getRequestListener(gateway.fetch);
  const server = await listen("127.0.0.1", (request, response) => void answer(request, response));
  const connection = createMemoryConnection((post) => {
    const backend = `http://127.0.0.1:${server.port}`;
    const widget = createTestWidget({ backend, post, onDefect: throwDefect, pageOrigin: ORIGIN });
    return { receive: widget.dispatch, close: widget.reset };
  });
  const connector = createConnector(
    connection.open,
    { origin: ORIGIN, appName: "test", release: "unknown" },
    "&",
    () => "nobody there",
    { timeoutMs: 10_000, handshakeTimeoutMs: 10_000 },
    () => TOKEN,
    () => {},
  );
  connection.connect();
  onTestFinished(async () => {
    connector.destroy();
    streams.close();
    await server.close();
  });
  return {
    connector,
    heard: [],
    async set(userId, status) {
      await agents.set(userId, { status });
    },
    async remove(userId) {
      await agents.remove(userId);
    },
  };
}

const ask =
  (type: RequestType, payload: unknown) =>
  async ({ connector }: Side) =>
    comparable(await connector.dispatch({ type, payload } as never));

/** Leaves out the versions, which each backend counts by itself, and the time of a change, which a settlement does not have. */
function comparable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (["version", "updatedAt"].includes(key) ? undefined : part)));
}

/** One step each: what a page asks, or what happens at the backend. */
const STEPS: readonly ((side: Side) => unknown)[] = [
  ask("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }),
  ask("API.FETCH_USER_AVAILABILITY", { variables: { userId: 999 } }),
  ask("API.FETCH_USER_AVAILABILITY", { variables: { userId: "123" } }),
  ask("API.FETCH_AVAILABILITIES", undefined),
  ask("API.UPDATE_AVAILABILITY", { status: "in_training" }),
  ask("API.UPDATE_AVAILABILITY", { status: "in_training" }),
  ask("API.UPDATE_AVAILABILITY", { status: "auto" }),
  ask("API.WATCH_AVAILABILITIES", { variables: { userIds: [124, 999] } }),
  ({ connector, heard }) =>
    void connector.watch([123, 999], (availability) => heard.push(comparable(availability)), {
      onStatus: ({ userId, status }) => heard.push([userId, status]),
    }),
  ({ set }) => set(123, "do_not_disturb"),
  ({ set }) => set(123, "do_not_disturb"),
  ({ set }) => set(123, "available"),
  ({ set }) => set(124, "available"),
  ({ remove }) => remove(124),
  ({ set }) => set(124, "offline"),
  ask("API.UPDATE_AVAILABILITY", { status: "always_closed" }),
  ask("BUS.INIT", { services: ["USER"] }),
  ask("BUS.DESTROY", { services: ["USER"] }),
  ask("AUTH.REFRESH_TOKEN", undefined),
];

test("a page gets the same answers and the same announcements from the vendor in memory as from the gateway", async () => {
  vi.spyOn(console, "warn").mockReturnValue();
  onTestFinished(() => void vi.restoreAllMocks());
  const [vendor, gateway] = [openVendorSide(), await openGatewaySide()];
  for (const { connector, heard } of [vendor, gateway]) {
    connector.on("*", (event, request) => void (request ?? heard.push(comparable(event))));
  }
  for (const [index, step] of STEPS.entries()) {
    expect([index, await step(gateway)]).toEqual([index, await step(vendor)]);
    // In memory all is done at the end of the task, while the stream over HTTP takes its time.
    await new Promise((resolve) => setTimeout(resolve));
    await expect.poll(() => [index, gateway.heard], { timeout: 20_000 }).toEqual([index, vendor.heard]);
  }
  expect(vendor.heard.length).toBeGreaterThan(10);
});
