/** Reads of several users, of users held already, and of old availabilities. */
import { expect, test } from "vitest";
import type { RawAnswer } from "../../gateway/test/scripted-backend.ts";
import type { Availability } from "../../shared/contracts/availability.ts";
import { createLiveStore } from "../live/live-store.ts";
import { scope, setUpGatewayClient as setUp } from "../test/scripted-gateway-client.ts";
import { subtractElapsed } from "./elapsed-time.ts";
import type { GatewayClient } from "./gateway-client.ts";

const of = (userId: number, version = 1): Availability => ({ userId, status: "available", version });
const wrappingUp = (version: number, wrapUpTimeTtl: number): Availability => ({
  ...of(1, version),
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl,
});
const problem = (status: number) => ({ type: "about:blank", title: "No", status });

/** A list of the requested users up to 900, and a 404 for each user beyond. */
const answerAsked: RawAnswer = ({ url = "" }, response) => {
  const userIds = url
    .replace(/.*userIds=/, "")
    .split(",")
    .map(Number);
  const there = userIds.filter((userId) => userId <= 900);
  const missing = userIds.filter((userId) => userId > 900);
  const list = {
    availabilities: Object.fromEntries(there.map((userId) => [userId, of(userId)])),
    errors: Object.fromEntries(missing.map((userId) => [userId, problem(404)])),
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(list));
};

/** Gives the client a store as its cache, for all users, on a clock moved by the test. */
function keepBy(gateway: GatewayClient) {
  const time = { ms: 0 };
  const store = createLiveStore({ wrapUpTimers: { set() {}, cancel() {} }, subtractElapsed, now: () => time.ms });
  gateway.useCache({
    get: store.getCached,
    merge(availability) {
      store.merge(availability, 0);
      return store.get(availability.userId)?.availability ?? availability;
    },
  });
  return { store, time };
}

const paths = (calls: readonly { readonly path: string }[]) => calls.map(({ path }) => path);

test("makes one call for the users that are asked for at the same time, and a call of its own for one", async () => {
  const { backend, gateway } = await setUp([answerAsked, { status: 200, body: of(3) }]);
  const both = [gateway.fetchAvailability(1, scope()), gateway.fetchAvailability(2, scope())];
  expect(await Promise.all(both)).toEqual([of(1), of(2)]);
  expect(await gateway.fetchAvailability(3, scope())).toEqual(of(3));
  expect(paths(backend.calls)).toEqual(["/v1/availabilities?userIds=1,2", "/v1/users/3/availability"]);
});

test("rejects who asks for a user that there is none of by that user's own problem, and nobody else", async () => {
  const { gateway } = await setUp(answerAsked);
  const found = gateway.fetchAvailability(1, scope());
  await expect(gateway.fetchAvailability(901, scope())).rejects.toMatchObject({ status: 404, body: problem(404) });
  expect(await found).toEqual(of(1));
});

test("rejects everybody whose call has failed by its body", async () => {
  const { backend, gateway } = await setUp({ status: 403, body: problem(403) });
  const asked = [1, 2, 3].map((userId) => gateway.fetchAvailability(userId, scope()));
  for (const answer of asked) await expect(answer).rejects.toMatchObject({ status: 403, body: problem(403) });
  expect(backend.calls).toHaveLength(1);
});

test.each([
  ["says nothing of a user", { availabilities: { 1: of(1) }, errors: {} }],
  ["says of a user what is another's", { availabilities: { 1: of(1), 2: of(3) }, errors: {} }],
])("takes no list for an answer that %s", async (_what, body) => {
  const { gateway } = await setUp({ status: 200, body });
  const other = gateway.fetchAvailability(1, scope()).catch(() => {});
  const rejection = { code: "INVALID_RESPONSE" };
  await expect(gateway.fetchAvailability(2, scope())).rejects.toMatchObject({ rejection });
  await other;
});

test("asks for 500 users in a call at the most, and answers without those that there are none of", async () => {
  const { backend, gateway } = await setUp(answerAsked);
  const userIds = Array.from({ length: 1_002 }, (_, index) => index + 1);
  const found = await gateway.fetchAvailabilities(userIds, scope());
  expect(Object.keys(found)).toHaveLength(900);
  expect(backend.calls.map(({ path }) => path.split(",").length)).toEqual([500, 500, 2]);
});

test("answers with the error of each user that there is, but that cannot be read", async () => {
  const { gateway } = await setUp({
    status: 200,
    body: { availabilities: { 1: of(1) }, errors: { 2: problem(503), 3: problem(404) } },
  });
  expect(await gateway.fetchAvailabilities([1, 2, 3], scope())).toEqual({
    1: of(1),
    2: { error: problem(503), status: 503 },
  });
});

test("answers for nobody where there is none of the only user that is asked for", async () => {
  const { gateway } = await setUp({ status: 404, body: problem(404) });
  expect(await gateway.fetchAvailabilities([1], scope())).toEqual({});
});

test("reads all users without naming any", async () => {
  const { backend, gateway } = await setUp({
    status: 200,
    body: { availabilities: { 1: of(1), 2: of(2) }, errors: {}, updatedAt: { 1: 1, 2: 2 }, cursor: "c" },
  });
  expect(await gateway.fetchAllAvailabilities(scope())).toEqual({ 1: of(1), 2: of(2) });
  expect(paths(backend.calls)).toEqual(["/v1/availabilities"]);
});

test("takes a list of up to 4 MiB, where the answer for one user may have 1 MiB", async () => {
  const list = JSON.stringify({ availabilities: { 1: of(1) }, errors: {} });
  const { backend, gateway } = await setUp({ status: 200, text: list.padEnd(4 * 1024 * 1024) });
  expect(await gateway.fetchAllAvailabilities(scope())).toEqual({ 1: of(1) });
  backend.answerWith({ status: 200, text: list.padEnd(4 * 1024 * 1024 + 1) });
  const rejection = { code: "INVALID_RESPONSE" };
  await expect(gateway.fetchAllAvailabilities(scope())).rejects.toMatchObject({ rejection });
});

test("collects who asks while the page is asked for its token", async () => {
  const { backend, gateway } = await setUp(answerAsked, ["t1"]);
  const first = gateway.fetchAvailability(1, scope());
  await Promise.resolve();
  await Promise.all([first, gateway.fetchAvailability(2, scope())]);
  expect(paths(backend.calls)).toEqual(["/v1/availabilities?userIds=1,2"]);
});

test("asks whether what is held is still the newest, and counts its wrap-up time down where it is", async () => {
  const { backend, gateway } = await setUp([{ status: 304, text: "" }]);
  const { store, time } = keepBy(gateway);
  store.merge(wrappingUp(7, 20), 0);
  time.ms += 5_000;
  expect(await gateway.fetchAvailability(1, scope())).toEqual(wrappingUp(7, 15));
  expect(backend.calls.map(({ headers }) => headers["if-none-match"])).toEqual(['"7"']);
});

test("answers with what was held when it asked, where that is kept no more", async () => {
  const { gateway } = await setUp((_request, response) => {
    store.clear();
    response.writeHead(304).end();
  });
  const { store } = keepBy(gateway);
  store.merge(of(1, 7), 0);
  expect(await gateway.fetchAvailability(1, scope())).toEqual(of(1, 7));
});

test("names no version where none is held, and takes no 304 for an answer then", async () => {
  const { backend, gateway } = await setUp({ status: 304, text: "" });
  keepBy(gateway);
  const rejection = { code: "INVALID_RESPONSE" };
  await expect(gateway.fetchAvailability(1, scope())).rejects.toMatchObject({ rejection });
  expect(backend.calls.map(({ headers }) => headers["if-none-match"])).toEqual([undefined]);
});

test("tells what it has read, and answers with what is known where that is newer", async () => {
  const { gateway } = await setUp([
    { status: 200, body: of(1, 5) },
    { status: 200, body: { availabilities: { 1: of(1, 6), 2: of(2, 6) }, errors: {} } },
    { status: 200, body: of(1, 5) },
  ]);
  const { store } = keepBy(gateway);
  expect(await gateway.fetchAvailability(1, scope())).toEqual(of(1, 5));
  expect(store.get(1)?.availability).toEqual(of(1, 5));
  store.merge(of(2, 9), 0);
  expect(await gateway.fetchAvailabilities([1, 2], scope())).toEqual({ 1: of(1, 6), 2: of(2, 9) });
  expect(await gateway.fetchAvailability(1, scope())).toEqual(of(1, 6));
});

test("takes its age off an answer's wrap-up time, down to 0", async () => {
  const headers = { age: "7" };
  const { gateway } = await setUp([
    { status: 200, headers, body: wrappingUp(1, 20) },
    { status: 200, headers, body: { availabilities: { 1: wrappingUp(1, 5) }, errors: {} } },
    { status: 200, headers: { age: "soon" }, body: wrappingUp(1, 20) },
  ]);
  expect(await gateway.fetchAvailability(1, scope())).toEqual(wrappingUp(1, 13));
  expect(await gateway.fetchAllAvailabilities(scope())).toEqual({ 1: wrappingUp(1, 0) });
  expect(await gateway.fetchAvailability(1, scope())).toEqual(wrappingUp(1, 20));
});
