import fc from "fast-check";
import * as v from "valibot";
import { expect, test } from "vitest";
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

/** A gateway where 123 is the only user, at version 7. */
async function gateway() {
  const clock = { wallMs: () => 7, monotonicMs: () => 0 };
  const store = createMemoryStore({ clock }).forCustomer("demo");
  await store.set(123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  return (await gatewayOver(availabilityServiceOver(store, clock))).app;
}

test("answers the availability with its version as entity tag", async () => {
  const answer = await (await gateway()).request("/v1/users/123/availability");
  expect(answer.status).toBe(200);
  expect(Object.fromEntries(answer.headers)).toEqual({
    "cache-control": "private, no-cache",
    "content-type": "application/json",
    "cross-origin-resource-policy": "same-origin",
    etag: '"7"',
    "x-content-type-options": "nosniff",
  });
  const body: unknown = await answer.json();
  expect(v.is(Availability, body)).toBe(true);
  expect(body).toEqual({ userId: 123, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 5, version: 7 });
});

test("answers 304 without a body to a reader that holds the version", async () => {
  const headers = { "If-None-Match": '"6", "7"' };
  const answer = await (await gateway()).request("/v1/users/123/availability", { headers });
  expect(answer.status).toBe(304);
  expect(answer.headers.get("ETag")).toBe('"7"');
  expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
  await expect(answer.text()).resolves.toBe("");
});

test("answers 404 for an unknown user, even where any version would do", async () => {
  const answer = await (await gateway()).request("/v1/users/404404/availability", {
    headers: { "If-None-Match": "*" },
  });
  expect(answer.status).toBe(404);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  await expect(answer.json()).resolves.toEqual({
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "No user 404404",
  });
});

const NO_IDS = "0 -1 +1 01 1.0 1.5 1e3 0x7b %201 1%20 123%2F 9007199254740992 1e+21 Infinity NaN abc %ZZ % ١";

test.each(NO_IDS.split(" "))("answers 400 for the user id %s", async (id) => {
  const answer = await (await gateway()).request(`/v1/users/${id}/availability`);
  expect(answer.status).toBe(400);
  await expect(answer.json()).resolves.toMatchObject({
    title: "Bad Request",
    status: 400,
    detail: "A user id is a whole number from 1 to 9007199254740991",
  });
});

test("takes the largest safe integer for an id", async () => {
  const answer = await (await gateway()).request("/v1/users/9007199254740991/availability");
  await expect(answer.json()).resolves.toMatchObject({ detail: "No user 9007199254740991" });
});

test("answers any text in the place of the user id with 200, 400 or 404, and with JSON", async () => {
  const app = await gateway();
  const encoded = fc.string({ unit: "binary" }).map(encodeURIComponent);
  const ids = fc.oneof(encoded, fc.string(), fc.integer().map(String), fc.webPath(), fc.constant("123"));
  await fc.assert(
    fc.asyncProperty(ids, async (id) => {
      const answer = await app.request(`http://gateway.test/v1/users/${id}/availability`);
      expect([200, 400, 404]).toContain(answer.status);
      expect(await answer.json()).toHaveProperty(answer.status === 200 ? "version" : "detail");
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["an Error", new Error("secret")],
  ["no Error", "secret"],
  ["nothing", undefined],
])("answers 500 and keeps what it was to itself where the store throws %s", async (_what, thrown) => {
  const { app, defects } = await gatewayOver({ ...unusedAvailabilityService(), read: () => Promise.reject(thrown) });
  const answer = await app.request("/v1/users/123/availability");
  expect(answer.status).toBe(500);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
  await expect(answer.json()).resolves.toEqual({
    type: "about:blank",
    title: "Internal Server Error",
    status: 500,
    detail: "The gateway failed to answer; its log says why",
  });
  expect(defects).toEqual([thrown]);
});

test("does not take a reader's going away for a defect", async () => {
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

test("lets no page of another origin read it", async () => {
  const headers = { Origin: "https://crm.example.com", "Access-Control-Request-Method": "GET" };
  const answers = ["GET", "OPTIONS"].map(async (method) =>
    (await gateway()).request("/v1/users/123/availability", { method, headers }),
  );
  for (const answer of await Promise.all(answers)) {
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  }
});
