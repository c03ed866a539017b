/** Proofs of a genuine token of the page. */
import { expect, onTestFinished, test, vi } from "vitest";
import { type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { GENUINE_ONLY, token } from "../../gateway/test/self-describing-tokens.ts";
import { ANONYMOUS_READS } from "../../gateway/test/test-gateway.ts";
import { createDeadline } from "../../shared/runtime/deadline.ts";
import { testSession } from "../test/test-services.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { createHttpGatewayClient } from "./http-gateway-client.ts";

const { signal } = new AbortController();
const scope = { signal, deadline: createDeadline(10_000) };
const AGENT_7 = { sharingKey: "subject 7", refreshAt: Infinity };

interface SetUp {
  readonly backend: LiveGateway;
  readonly gateway: GatewayClient;
}

/** A client of a page with or without a token. */
async function setUp(pageToken?: string, access = GENUINE_ONLY): Promise<SetUp> {
  const backend = await startLiveGateway({ allowedOrigins: ["https://crm.example.com"], access });
  onTestFinished(backend.close);
  await backend.agents.set(1, { status: "available" });
  const fulfilled = { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: pageToken } };
  const session = testSession(async () => fulfilled);
  return { backend, gateway: createHttpGatewayClient(new URL("/v1/", backend.origin), session) };
}

const calls = ({ calls: made }: LiveGateway) => made.map(({ method, path }) => `${method} ${path}`);

test("a read that is underway, and one that was answered, prove the token that they carry", async () => {
  const { backend, gateway } = await setUp(token("7"));
  const reading = gateway.fetchAvailabilities([1], scope);
  expect(await gateway.verifyToken(signal)).toEqual(AGENT_7);
  await reading;
  expect(await gateway.verifyToken(signal)).toEqual(AGENT_7);
  expect(calls(backend)).toEqual(["GET /v1/users/1/availability"]);
});

test("the backend is asked where nothing was read, and no stream is opened by that", async () => {
  const { backend, gateway } = await setUp(token("7"));
  expect(await gateway.verifyToken(signal)).toEqual(AGENT_7);
  expect(calls(backend)).toEqual(["HEAD /v1/availabilities/stream"]);
});

test("a token that nobody has signed is refused, whoever it names, also while a read with it is underway", async () => {
  const { backend, gateway } = await setUp(token("7", "forged"));
  const reading = gateway.fetchAvailabilities([1], scope);
  await Promise.all([
    expect(reading).rejects.toMatchObject({ status: 401 }),
    expect(gateway.verifyToken(signal)).rejects.toMatchObject({ status: 401 }),
  ]);
  expect(calls(backend)).toContain("HEAD /v1/availabilities/stream");
});

test("a page without a token shares with all that have none, where the backend lets anyone read", async () => {
  const { backend, gateway } = await setUp(undefined, ANONYMOUS_READS);
  expect(await gateway.verifyToken(signal)).toEqual({ sharingKey: "anyone", refreshAt: Infinity });
  expect(calls(backend)).toEqual(["HEAD /v1/availabilities/stream"]);
});

test("a page without a token is let in nowhere else", async () => {
  const { gateway } = await setUp();
  await expect(gateway.verifyToken(signal)).rejects.toMatchObject({ status: 401 });
});

test("a read proves a token for a minute, after which the backend may have taken it back", async () => {
  const { backend, gateway } = await setUp(token("7"));
  const now = vi.spyOn(performance, "now").mockReturnValue(1_000);
  onTestFinished(() => now.mockRestore());
  await gateway.fetchAvailabilities([1], scope);
  now.mockReturnValue(60_999);
  await gateway.verifyToken(signal);
  expect(calls(backend)).toEqual(["GET /v1/users/1/availability"]);
  now.mockReturnValue(61_000);
  await gateway.verifyToken(signal);
  expect(calls(backend)).toEqual(["GET /v1/users/1/availability", "HEAD /v1/availabilities/stream"]);
});

test("a proof is due again when the token is to be replaced", async () => {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const claims = Buffer.from(JSON.stringify({ sub: "7", exp })).toString("base64url");
  const { gateway } = await setUp(`header.${claims}.genuine`);
  expect(await gateway.verifyToken(signal)).toEqual({ sharingKey: "subject 7", refreshAt: exp * 1_000 - 30_000 });
});
