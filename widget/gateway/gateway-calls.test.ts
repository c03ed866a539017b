/** Calls of the client, and its counts. */
import * as v from "valibot";
import { expect, test, vi } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { scope, setUpGatewayClient as setUp } from "../test/scripted-gateway-client.ts";
import { createHttpGatewayClient } from "./http-gateway-client.ts";
import type { TokenSession } from "./session.ts";

const body = { userId: 123, status: "out_for_lunch", version: 8 };
const unauthorized = { status: 401, body: { type: "about:blank", title: "Unauthorized", status: 401 } };

test("writes the agent's own availability as the bus has it, and tells what came of it", async () => {
  const { backend, gateway } = await setUp({ status: 200, body }, ["t1"]);
  const told: unknown[] = [];
  gateway.useCache({
    get: () => undefined,
    merge(availability) {
      told.push(availability);
      return availability;
    },
  });
  expect(await gateway.updateOwnAvailability("out_for_lunch", scope())).toEqual(body);
  const [call] = backend.calls;
  expect(call).toMatchObject({ method: "PUT", path: "/v1/users/me/availability" });
  expect([call?.headers["content-type"], await call?.body]).toEqual(["application/json", '{"status":"out_for_lunch"}']);
  expect(told).toEqual([body]);
});

test.each([
  ["cannot be reached", { unreachable: true }, { rejection: { code: "BACKEND_UNREACHABLE" } }],
  ["says that it is busy", { status: 503, body: {}, headers: { "retry-after": "0" } }, { status: 503 }],
  ["has too many requests", { status: 429, body: {} }, { status: 429 }],
] as const)("writes no second time to a backend that %s", async (_what, answer, refusal) => {
  const { backend, gateway } = await setUp(answer);
  await expect(gateway.updateOwnAvailability("auto", scope())).rejects.toMatchObject(refusal);
  expect(backend.calls).toHaveLength(1);
});

test("writes once more with another token after a 401, by which nothing was written", async () => {
  const { backend, gateway } = await setUp([unauthorized, { status: 200, body }], ["t1", "t2"]);
  expect(await gateway.updateOwnAvailability("auto", scope())).toEqual(body);
  expect(backend.calls).toHaveLength(2);
});

const Profile = v.strictObject({ userId: v.number(), name: v.string() });

test("reads a resource with the page's token and returns what its schema has checked", async () => {
  const profile = { userId: 123, name: "Ada" };
  const { backend, gateway } = await setUp({ status: 200, body: profile }, ["t1"]);
  expect(await gateway.fetchResource("users/123/profile", Profile, scope())).toEqual(profile);
  expect(backend.calls).toMatchObject([
    { method: "GET", path: "/v1/users/123/profile", headers: { authorization: "Bearer t1" } },
  ]);
});

test("reads a resource once more from a backend that was busy, and hands on what it says else", async () => {
  const busy = { status: 503, body: {}, headers: { "retry-after": "0" } };
  const { backend, gateway } = await setUp([busy, { status: 404, body: { title: "Not Found" } }]);
  await expect(gateway.fetchResource("users/9/profile", Profile, scope())).rejects.toMatchObject({
    status: 404,
    body: { title: "Not Found" },
  });
  expect(backend.calls).toHaveLength(2);
});

test("takes nothing for a resource that its schema does not describe, and names the field", async () => {
  const { gateway } = await setUp({ status: 200, body: { userId: 123 } });
  await expect(gateway.fetchResource("users/123/profile", Profile, scope())).rejects.toMatchObject({
    rejection: { code: "INVALID_RESPONSE", issues: [{ path: "name" }] },
  });
});

test("counts calls, and those who were answered by another's", async () => {
  const list = { availabilities: { 1: { ...body, userId: 1 }, 2: { ...body, userId: 2 } }, errors: {} };
  const { gateway } = await setUp([
    { status: 200, body: list },
    { status: 200, body },
    { status: 200, body },
  ]);
  await Promise.all([1, 2, 1].map((userId) => gateway.fetchAvailability(userId, scope())));
  await gateway.fetchAvailability(123, scope());
  await gateway.updateOwnAvailability("auto", scope());
  expect(gateway.statistics).toMatchObject({ calls: 3, coalesced: 2, retries: 0, streams: 0 });
});

test("counts repetitions, be it for another token or for a backend that is busy", async () => {
  const busy = { status: 503, body: {}, headers: { "retry-after": "0" } };
  const { gateway } = await setUp([unauthorized, busy, { status: 200, body }], ["t1", "t2"]);
  await gateway.fetchAvailability(123, scope());
  expect(gateway.statistics).toMatchObject({ calls: 1, retries: 2 });
});

test("counts the bytes of all bodies, and not their characters", async () => {
  const { backend, gateway } = await setUp({ status: 404, text: "nö" });
  await gateway.fetchAvailability(123, scope()).catch(() => {});
  expect(gateway.statistics.bytes).toBe(3);
  backend.answerWith({ status: 200, body });
  await gateway.fetchAvailability(123, scope());
  expect(gateway.statistics.bytes).toBe(3 + JSON.stringify(body).length);
});

test("rejects a read that is answered after the end of the session, stores nothing of it, and fulfils such a write", async () => {
  const session: TokenSession = { reset() {}, withToken: (_signal, call) => call("t1", () => true) };
  const merge = vi.fn((availability: Availability) => availability);
  const { backend } = await setUp({ status: 200, body });
  const gateway = createHttpGatewayClient(new URL("/v1/", backend.origin), session);
  gateway.useCache({ get: () => undefined, merge });
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject({ status: 401 });
  expect(merge).not.toHaveBeenCalled();
  expect(await gateway.updateOwnAvailability("out_for_lunch", scope())).toEqual(body);
});
