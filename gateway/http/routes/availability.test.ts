import fc from "fast-check";
import * as v from "valibot";
import { expect, test } from "vitest";
import { scaleRuns } from "../../../scripts/testing/property-runs.ts";
import { Availability } from "../../../shared/contracts/availability.ts";
import type { AvailabilityService } from "../../availability-service.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { TEST_FILES } from "../../test/test-build.ts";
import {
  availabilityServiceOver,
  checkedGateway,
  testCustomers,
  unusedAvailabilityService,
} from "../../test/test-gateway.ts";

async function gatewayOver(availabilities: AvailabilityService) {
  const defects: unknown[] = [];
  const onDefect = (error: unknown) => void defects.push(error);
  const app = checkedGateway({ customers: await testCustomers({ availabilities }), files: TEST_FILES, onDefect });
  return { app, defects };
}

/** Creates a gateway with one user, 123, at version 7. */
async function gateway() {
  const clock = { wallMs: () => 7, monotonicMs: () => 0 };
  const store = createMemoryStore({ clock }).forCustomer("demo");
  await store.set(123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  return (await gatewayOver(availabilityServiceOver(store, clock))).app;
}

test("responds with the availability and its version as entity tag", async () => {
  const response = await (await gateway()).request("/v1/users/123/availability");
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toEqual({
    "cache-control": "private, no-cache",
    "content-type": "application/json",
    "cross-origin-resource-policy": "same-origin",
    etag: '"7"',
    "x-content-type-options": "nosniff",
  });
  const body: unknown = await response.json();
  expect(v.is(Availability, body)).toBe(true);
  expect(body).toEqual({ userId: 123, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 5, version: 7 });
});

test("responds with 304 and no body if the client has the version", async () => {
  const headers = { "If-None-Match": '"6", "7"' };
  const response = await (await gateway()).request("/v1/users/123/availability", { headers });
  expect(response.status).toBe(304);
  expect(response.headers.get("ETag")).toBe('"7"');
  expect(response.headers.get("Cache-Control")).toBe("private, no-cache");
  await expect(response.text()).resolves.toBe("");
});

test("responds with 404 for an unknown user, even to If-None-Match: *", async () => {
  const response = await (await gateway()).request("/v1/users/404404/availability", {
    headers: { "If-None-Match": "*" },
  });
  expect(response.status).toBe(404);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  await expect(response.json()).resolves.toEqual({
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "No user 404404",
  });
});

const NO_IDS = "0 -1 +1 01 1.0 1.5 1e3 0x7b %201 1%20 123%2F 9007199254740992 1e+21 Infinity NaN abc %ZZ % ١";

test.each(NO_IDS.split(" "))("responds with 400 for the user id %s", async (id) => {
  const response = await (await gateway()).request(`/v1/users/${id}/availability`);
  expect(response.status).toBe(400);
  await expect(response.json()).resolves.toMatchObject({
    title: "Bad Request",
    status: 400,
    detail: "A user id is a whole number from 1 to 9007199254740991",
  });
});

test("accepts the largest safe integer as an id", async () => {
  const response = await (await gateway()).request("/v1/users/9007199254740991/availability");
  await expect(response.json()).resolves.toMatchObject({ detail: "No user 9007199254740991" });
});

test("responds to any text as a user id with 200, 400 or 404, and with JSON", async () => {
  const app = await gateway();
  const encoded = fc.string({ unit: "binary" }).map(encodeURIComponent);
  const ids = fc.oneof(encoded, fc.string(), fc.integer().map(String), fc.webPath(), fc.constant("123"));
  await fc.assert(
    fc.asyncProperty(ids, async (id) => {
      const response = await app.request(`http://gateway.test/v1/users/${id}/availability`);
      expect([200, 400, 404]).toContain(response.status);
      expect(await response.json()).toHaveProperty(response.status === 200 ? "version" : "detail");
    }),
    { numRuns: scaleRuns(300) },
  );
});

test.each([
  ["an Error", new Error("secret")],
  ["no Error", "secret"],
  ["nothing", undefined],
])("responds with 500 and without the reason if the store throws %s", async (_what, thrown) => {
  const { app, defects } = await gatewayOver({ ...unusedAvailabilityService(), read: () => Promise.reject(thrown) });
  const response = await app.request("/v1/users/123/availability");
  expect(response.status).toBe(500);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
  await expect(response.json()).resolves.toEqual({
    type: "about:blank",
    title: "Internal Server Error",
    status: 500,
    detail: "The gateway failed to answer; its log says why",
  });
  expect(defects).toEqual([thrown]);
});

test("reports no defect when the client disconnects", async () => {
  const controller = new AbortController();
  const { app, defects } = await gatewayOver({
    ...unusedAvailabilityService(),
    read: (_userId, signal) => {
      controller.abort("gone");
      return Promise.reject(signal.reason);
    },
  });
  await app.request("/v1/users/123/availability", { signal: controller.signal });
  expect(defects).toEqual([]);
});

test("sends no CORS headers", async () => {
  const headers = { Origin: "https://crm.example.com", "Access-Control-Request-Method": "GET" };
  const responses = ["GET", "OPTIONS"].map(async (method) =>
    (await gateway()).request("/v1/users/123/availability", { method, headers }),
  );
  for (const response of await Promise.all(responses)) {
    expect([...response.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  }
});
