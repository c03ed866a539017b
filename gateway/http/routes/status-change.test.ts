import * as v from "valibot";
import { expect, test } from "vitest";
import { Availability } from "../../../shared/contracts/availability.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { accessOf, availabilityServiceOver, testGateway } from "../../test/test-gateway.ts";
import { memoryUpstream } from "../../upstream/memory-upstream.ts";

interface Change {
  readonly body?: string;
  readonly userId?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Creates a gateway with one user, 123, at version 7. By default the operator sends the requests. */
async function gateway({ access = accessOf("operator"), upstream = memoryUpstream } = {}) {
  const time = { wallMs: 7 };
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => 0 };
  const store = createMemoryStore({ clock }).forCustomer("demo");
  await store.set(123, { status: "do_not_disturb", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  time.wallMs = 8;
  const app = await testGateway({ availabilities: availabilityServiceOver(store, clock, upstream), access });
  return async ({ body = '{"status":"other"}', userId = "123", headers = {} }: Change = {}): Promise<Response> =>
    app.request(`/v1/users/${userId}/availability`, {
      method: "PUT",
      body,
      headers: { Authorization: "Bearer token", "Content-Type": "application/json", ...headers },
    });
}

test("changes the status and responds with the availability", async () => {
  const response = await (await gateway())();
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    etag: '"8"',
    "content-type": "application/json",
    "content-location": "/v1/users/123/availability",
    "cache-control": "no-store",
  });
  const body: unknown = await response.json();
  expect(v.is(Availability, body)).toBe(true);
  expect(body).toEqual({ userId: 123, status: "other", wrapUpTimeConfig: 30, wrapUpTimeTtl: 5, version: 8 });
});

test("keeps the version if the status does not change", async () => {
  const response = await (await gateway())({ body: '{"status":"do_not_disturb"}' });
  expect(response.headers.get("ETag")).toBe('"7"');
});

test.each([
  ["available", "available"],
  ["do_not_disturb", "do_not_disturb"],
  ["out_for_lunch", "out_for_lunch"],
  ["on_a_break", "on_a_break"],
  ["in_traning", "in_traning"],
  ["doing_back_office", "doing_back_office"],
  ["other", "other"],
  ["always_opened", "available"],
  ["auto", "available"],
  ["always_closed", "do_not_disturb"],
  ["in_training", "in_traning"],
])("accepts %s as %s", async (word, status) => {
  const response = await (await gateway())({ body: JSON.stringify({ status: word }) });
  await expect(response.json()).resolves.toMatchObject({ status });
});

test.each(["offline", "in_call", "on_mobile", "after_call_work", "AVAILABLE", "toString", "__proto__", ""])(
  "rejects the status %s, which only the telephony system can set",
  async (status) => {
    const response = await (await gateway())({ body: JSON.stringify({ status }) });
    expect(response.status).toBe(422);
    await expect(response.json()).resolves.toMatchObject({
      title: "Unprocessable Content",
      detail: "The body is not a status change",
      issues: [
        { path: "status", expected: expect.stringMatching(/^one of available, do_not_disturb, .*in_training$/) },
      ],
    });
  },
);

test.each([
  ["{}", "status"],
  ['{"status":null}', "status"],
  ['{"status":["other"]}', "status"],
  ['{"status":"other","version":7}', "version"],
  ["null", ""],
  ['"other"', ""],
  ["[]", "status"],
])("responds with 422 to the body %s and names each invalid part", async (body, path) => {
  const response = await (await gateway())({ body });
  expect(response.status).toBe(422);
  await expect(response.json()).resolves.toMatchObject({ issues: [{ path, expected: expect.any(String) }] });
});

test.each(["", "{", '{"status":"other"', "status=other", "\u0000", '{"status":"other"}{}'])(
  "responds with 400 to the body %j, which is not JSON",
  async (body) => {
    const response = await (await gateway())({ body });
    expect(response.status).toBe(400);
    await expect(response.json()).resolves.toMatchObject({
      detail: "The body is not JSON",
      issues: [{ path: "", expected: "JSON" }],
    });
  },
);

test.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/merge-patch+json", ""])(
  "responds with 415 to the content type %j",
  async (contentType) => {
    expect((await (await gateway())({ headers: { "Content-Type": contentType } })).status).toBe(415);
  },
);

test("responds with 415 to a body with a content encoding", async () => {
  const response = await (await gateway())({ headers: { "Content-Encoding": "gzip" } });
  expect(response.status).toBe(415);
  expect(response.headers.get("Accept-Encoding")).toBe("identity");
});

test.each(["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"])(
  "accepts the content type %s",
  async (contentType) => {
    expect((await (await gateway())({ headers: { "Content-Type": contentType } })).status).toBe(200);
  },
);

test("accepts a body of 4096 bytes and responds with 413 to a longer body", async () => {
  const change = await gateway();
  const body = '{"status":"other"}';
  expect((await change({ body: body.padEnd(4096) })).status).toBe(200);
  const response = await change({ body: body.padEnd(4097) });
  expect(response.status).toBe(413);
  await expect(response.json()).resolves.toMatchObject({ detail: "A change has at most 4096 bytes" });
});

test("creates a user for the operator if no telephony system lists users", async () => {
  const change = await gateway();
  const response = await change({ userId: "404404" });
  expect(response.status).toBe(201);
  await expect(response.json()).resolves.toEqual({ userId: 404_404, status: "other", version: 8 });
  expect((await change({ userId: "404404" })).status).toBe(200);
});

test.each([
  ["an agent", { access: accessOf(404_404) }],
  ["the operator, if a telephony system lists users", { upstream: { ...memoryUpstream, allowsNewUsers: false } }],
])("responds with 404 for an unknown user to %s", async (_who, parts) => {
  const response = await (await gateway(parts))({ userId: "404404" });
  expect(response.status).toBe(404);
  await expect(response.json()).resolves.toMatchObject({ detail: "No user 404404" });
});

test("responds with 404 for an unknown user if the request has If-Match", async () => {
  const change = await gateway();
  for (const headers of [{ "If-Match": "*" }, { "If-Match": '"7"' }]) {
    const response = await change({ userId: "404404", headers });
    expect(response.status).toBe(404);
    await expect(response.json()).resolves.toMatchObject({ detail: "No user 404404" });
  }
});

test("changes the status of the agent in the token, and names the agent in Content-Location", async () => {
  const response = await (await gateway({ access: accessOf(123) }))({ userId: "me" });
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Location")).toBe("/v1/users/123/availability");
  await expect(response.json()).resolves.toMatchObject({ userId: 123, status: "other", version: 8 });
});

test("responds with 404 to the operator, who has no availability to set", async () => {
  const response = await (await gateway())({ userId: "me" });
  expect(response.status).toBe(404);
  const detail = "The operator is not an agent and has no availability";
  await expect(response.json()).resolves.toMatchObject({ detail });
});

test("responds with 404 to an unknown agent that sets its own status, and creates no user", async () => {
  const change = await gateway({ access: accessOf(404_404) });
  for (let again = 0; again < 2; again += 1) expect((await change({ userId: "me" })).status).toBe(404);
});

test.each(["GET", "HEAD", "POST", "DELETE"])(
  "responds with 405 to %s of an agent's own availability",
  async (method) => {
    const app = await testGateway({ access: accessOf(123) });
    const response = await app.request("/v1/users/me/availability", { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("PUT");
  },
);

test.each(["0", "01", "abc", "9007199254740992"])("responds with 400 for the user id %s", async (userId) => {
  expect((await (await gateway())({ userId })).status).toBe(400);
});

test.each(["*", '"7"', '"6", "7"', '"6,7","7"', '"x" , "7"'])(
  "applies the change with If-Match %s",
  async (ifMatch) => {
    const response = await (await gateway())({ headers: { "If-Match": ifMatch } });
    expect(response.status).toBe(200);
    expect(response.headers.get("ETag")).toBe('"8"');
  },
);

test.each(['"6"', 'W/"7"', "7", '"07"', '"6", W/"7"', '"6,7"', '""', '"*"', '"7', ""])(
  "responds with 412 and the current version to If-Match %j",
  async (ifMatch) => {
    const change = await gateway();
    const response = await change({ headers: { "If-Match": ifMatch } });
    expect(response.status).toBe(412);
    expect(response.headers.get("ETag")).toBe('"7"');
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    // The version is unchanged.
    expect((await change({ headers: { "If-Match": '"7"' } })).status).toBe(200);
  },
);
