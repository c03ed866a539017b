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

/** A gateway where 123 is the only user, at version 7; whoever sets it is the operator, where nobody else is named. */
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

test("changes the status and answers what came of it", async () => {
  const answer = await (await gateway())();
  expect(answer.status).toBe(200);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    etag: '"8"',
    "content-type": "application/json",
    "content-location": "/v1/users/123/availability",
    "cache-control": "no-store",
  });
  const body: unknown = await answer.json();
  expect(v.is(Availability, body)).toBe(true);
  expect(body).toEqual({ userId: 123, status: "other", wrapUpTimeConfig: 30, wrapUpTimeTtl: 5, version: 8 });
});

test("leaves the version alone where the status is that already", async () => {
  const answer = await (await gateway())({ body: '{"status":"do_not_disturb"}' });
  expect(answer.headers.get("ETag")).toBe('"7"');
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
])("takes %s and makes it %s", async (word, status) => {
  const answer = await (await gateway())({ body: JSON.stringify({ status: word }) });
  await expect(answer.json()).resolves.toMatchObject({ status });
});

test.each(["offline", "in_call", "on_mobile", "after_call_work", "AVAILABLE", "toString", "__proto__", ""])(
  "refuses the status %s, which is nobody's to choose",
  async (status) => {
    const answer = await (await gateway())({ body: JSON.stringify({ status }) });
    expect(answer.status).toBe(422);
    await expect(answer.json()).resolves.toMatchObject({
      title: "Unprocessable Content",
      detail: "The body is no change of a status",
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
])("answers 422 to the body %s and names what is bad", async (body, path) => {
  const answer = await (await gateway())({ body });
  expect(answer.status).toBe(422);
  await expect(answer.json()).resolves.toMatchObject({ issues: [{ path, expected: expect.any(String) }] });
});

test.each(["", "{", '{"status":"other"', "status=other", "\u0000", '{"status":"other"}{}'])(
  "answers 400 to the body %j, which is no JSON",
  async (body) => {
    const answer = await (await gateway())({ body });
    expect(answer.status).toBe(400);
    await expect(answer.json()).resolves.toMatchObject({
      detail: "The body is no JSON",
      issues: [{ path: "", expected: "JSON" }],
    });
  },
);

test.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/merge-patch+json", ""])(
  "answers 415 to the content type %j",
  async (contentType) => {
    expect((await (await gateway())({ headers: { "Content-Type": contentType } })).status).toBe(415);
  },
);

test("answers 415 to a body with a content encoding", async () => {
  const answer = await (await gateway())({ headers: { "Content-Encoding": "gzip" } });
  expect(answer.status).toBe(415);
  expect(answer.headers.get("Accept-Encoding")).toBe("identity");
});

test.each(["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"])(
  "takes the content type %s",
  async (contentType) => {
    expect((await (await gateway())({ headers: { "Content-Type": contentType } })).status).toBe(200);
  },
);

test("takes a body of 4096 bytes and answers 413 to a longer one", async () => {
  const change = await gateway();
  const body = '{"status":"other"}';
  expect((await change({ body: body.padEnd(4096) })).status).toBe(200);
  const answer = await change({ body: body.padEnd(4097) });
  expect(answer.status).toBe(413);
  await expect(answer.json()).resolves.toMatchObject({ detail: "A change has 4096 bytes at the most" });
});

test("makes a user known by the operator's word, where no telephony system says who there is", async () => {
  const change = await gateway();
  const answer = await change({ userId: "404404" });
  expect(answer.status).toBe(201);
  await expect(answer.json()).resolves.toEqual({ userId: 404_404, status: "other", version: 8 });
  expect((await change({ userId: "404404" })).status).toBe(200);
});

test.each([
  ["an agent", { access: accessOf(404_404) }],
  [
    "the operator, where a telephony system says who there is",
    { upstream: { ...memoryUpstream, allowsNewUsers: false } },
  ],
])("answers 404 for an unknown user to %s", async (_who, parts) => {
  const answer = await (await gateway(parts))({ userId: "404404" });
  expect(answer.status).toBe(404);
  await expect(answer.json()).resolves.toMatchObject({ detail: "No user 404404" });
});

test("answers 404 for an unknown user of whom a version is asked for", async () => {
  const change = await gateway();
  for (const headers of [{ "If-Match": "*" }, { "If-Match": '"7"' }]) {
    const answer = await change({ userId: "404404", headers });
    expect(answer.status).toBe(404);
    await expect(answer.json()).resolves.toMatchObject({ detail: "No user 404404" });
  }
});

test("changes the status of the agent that the token stands for, and says which agent that is", async () => {
  const answer = await (await gateway({ access: accessOf(123) }))({ userId: "me" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Location")).toBe("/v1/users/123/availability");
  await expect(answer.json()).resolves.toMatchObject({ userId: 123, status: "other", version: 8 });
});

test("answers 404 to the operator, who is no agent, where it sets its own", async () => {
  const answer = await (await gateway())({ userId: "me" });
  expect(answer.status).toBe(404);
  const detail = "The operator is no agent and has no availability";
  await expect(answer.json()).resolves.toMatchObject({ detail });
});

test("answers 404 to an agent who is not known and sets its own, and makes nobody known by it", async () => {
  const change = await gateway({ access: accessOf(404_404) });
  for (let again = 0; again < 2; again += 1) expect((await change({ userId: "me" })).status).toBe(404);
});

test.each(["GET", "HEAD", "POST", "DELETE"])(
  "answers 405 to %s of an agent's own, which is set alone",
  async (method) => {
    const app = await testGateway({ access: accessOf(123) });
    const answer = await app.request("/v1/users/me/availability", { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("Allow")).toBe("PUT");
  },
);

test.each(["0", "01", "abc", "9007199254740992"])("answers 400 for the user id %s", async (userId) => {
  expect((await (await gateway())({ userId })).status).toBe(400);
});

test.each(["*", '"7"', '"6", "7"', '"6,7","7"', '"x" , "7"'])(
  "makes the change where If-Match is %s",
  async (ifMatch) => {
    const answer = await (await gateway())({ headers: { "If-Match": ifMatch } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("ETag")).toBe('"8"');
  },
);

test.each(['"6"', 'W/"7"', "7", '"07"', '"6", W/"7"', '"6,7"', '""', '"*"', '"7', ""])(
  "answers 412 with the version that there is where If-Match is %j",
  async (ifMatch) => {
    const change = await gateway();
    const answer = await change({ headers: { "If-Match": ifMatch } });
    expect(answer.status).toBe(412);
    expect(answer.headers.get("ETag")).toBe('"7"');
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    // Nothing has changed: the version is still the one that there was.
    expect((await change({ headers: { "If-Match": '"7"' } })).status).toBe(200);
  },
);
