import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { type AvailabilityService, createAvailabilityService } from "../availability-service.ts";
import { UNLIMITED } from "../settings/customer-settings.ts";
import { type CustomerStore, StoreUnavailableError } from "../store/availability-store.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { type ObservedGatewayOptions, startObservedGateway } from "../test/observed-gateway.ts";
import { unusedAvailabilityService } from "../test/test-gateway.ts";
import { CLAIMS, mint, NOW_MS } from "../test/test-tokens.ts";
import { memoryUpstream } from "../upstream/memory-upstream.ts";
import { RateBudgetError, UnsupportedStatusError, type Upstream, UpstreamError } from "../upstream/upstream.ts";

const PATH = "/v1/users/123/availability";

/** Users whose changes the store does not confirm, or fails to make by a defect. */
const UNCONFIRMED = 503;
const DEFECTIVE = 500;

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };
const never = new AbortController().signal;

const JSON_BODY = { "Content-Type": "application/json" };

/** Creates a store with faults for two users. */
async function createFaultyStore(): Promise<CustomerStore> {
  const store = createMemoryStore({ clock }).forCustomer("acme");
  await store.set(123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  for (const userId of [124, UNCONFIRMED, DEFECTIVE]) await store.set(userId, { status: "offline" });
  return {
    ...store,
    async setStatus(userId, status, ifVersions) {
      if (userId === UNCONFIRMED) throw new StoreUnavailableError("Redis did not answer");
      if (userId === DEFECTIVE) throw new TypeError("A defect");
      return store.setStatus(userId, status, ifVersions);
    },
  };
}

/** An upstream that rejects some statuses, and sets all others. */
function createRejectingUpstream(store: CustomerStore): Upstream {
  return {
    ...memoryUpstream,
    allowsNewUsers: false,
    async setStatus({ userId, status, checkAgent }) {
      await checkAgent();
      if (status === "other") throw new UpstreamError("Rejected", { status: 405, body: { error: "Read-only" } });
      if (status === "on_a_break") throw new UnsupportedStatusError(status, ["available"]);
      if (status === "out_for_lunch") throw new RateBudgetError(7);
      if (status === "in_traning") throw new UpstreamError("No answer", { isTimeout: true });
      return store.setStatus(userId, status);
    },
  };
}

async function openService(upstream: (store: CustomerStore) => Upstream): Promise<AvailabilityService> {
  const store = await createFaultyStore();
  const service = createAvailabilityService({ store, upstream: upstream(store), staleLimitSeconds: 60, clock });
  // The fast path needs a loaded replica.
  await service.open(never);
  return service;
}

/** Starts a gateway for `acme`, whose store is authoritative, and `globex`, which has an upstream. */
async function setUp(options: Omit<ObservedGatewayOptions, "services"> & { readonly acme?: AvailabilityService }) {
  const { acme = await openService(() => memoryUpstream), ...others } = options;
  const globex = await openService(createRejectingUpstream);
  const defects: unknown[] = [];
  const onDefect = (error: unknown) => void defects.push(error);
  const gateway = await startObservedGateway({
    services: { acme, globex },
    onDefect,
    hasNoRejectionLimit: true,
    ...others,
  });
  return { ...gateway, acme, globex, defects };
}

const bearer = async () => ({ Authorization: `Bearer ${await mint()}` });

test("makes a change with a cached token without calling the app", async () => {
  const stored = await openService(() => memoryUpstream);
  const getStoreSetter = stored.getStoreSetter ?? (() => undefined);
  const acme = { ...unusedAvailabilityService(), getStoreSetter };
  const { send } = await setUp({ acme, tokens: [await mint()] });
  const headers = { ...(await bearer()), ...JSON_BODY };
  const response = await send({ method: "PUT", path: PATH, headers, body: '{"status":"other"}' });
  expect(response.status).toBe(200);
  expect(JSON.parse(response.body)).toMatchObject({ userId: 123, status: "other" });
  expect(stored.getCached?.(123)?.agent.status).toBe("other");
});

const statusBody = fc
  .constantFrom("available", "do_not_disturb", "other", "on_a_break", "out_for_lunch", "in_training", "auto", "in_call")
  .map((status) => JSON.stringify({ status }));

const bodyArbitrary = fc.oneof(
  { weight: 6, arbitrary: statusBody },
  fc.constantFrom("", "{", "null", "[]", "{}", '{"status":null}', '{"status":"other","ä":1}', "\ufeff{}", '"other"'),
  fc.constantFrom('\ufeff{"status":"other"}', ' {"status" : "other"}\n', '{"status":"other"}{}', '{"status":"öther"}'),
  fc.constantFrom(4096, 4097).map((length) => '{"status":"other"}'.padEnd(length)),
  fc.constant(Buffer.from([0x22, 0xff, 0x22])),
);

/** The `If-Match` tags of a version. */
const ifMatchArbitrary = fc.constantFrom<((version: number) => string)[]>(
  () => "*",
  (version) => `"${version}"`,
  (version) => `"1", "${version}"`,
  (version) => `W/"${version}"`,
  () => '"1"',
  () => "",
);

function toHeadersArbitrary(tokens: Readonly<Record<"agent" | "operator", string>> & Readonly<Record<string, string>>) {
  const { agent, operator } = tokens;
  const token = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(agent, operator) },
    fc.constantFrom(...Object.values(tokens)),
  );
  return fc.record(
    {
      Authorization: fc.oneof(
        { weight: 12, arbitrary: token.map((text_) => `Bearer ${text_}`) },
        token.chain((text_) => fc.constantFrom(`bearer ${text_}`, `Bearer  ${text_}`, `Bearer ${text_}x`, "Basic x")),
        token.map((text_) => [`Bearer ${text_}`, "Bearer x"]),
      ),
      "Content-Type": fc.oneof(
        { weight: 12, arbitrary: fc.constant("application/json") },
        fc.constantFrom(
          "application/json; charset=utf-8",
          "Application/JSON ;a",
          "application/jsonp",
          "text/plain",
          "",
        ),
        fc.constantFrom<string[]>(["application/json", "text/plain"], ["text/plain", "application/json"]),
      ),
      "Content-Encoding": fc.oneof(
        { weight: 9, arbitrary: fc.constant("identity") },
        fc.constantFrom("IDENTITY", "gzip", ""),
      ),
      "X-Request-Id": fc.constantFrom("known", "not known", ""),
      traceparent: fc.constantFrom("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-x"),
      tracestate: fc.constantFrom("vendor=1", "=", ""),
      Origin: fc.constantFrom("https://crm.acme.example", "https://else.example", "null"),
      Host: fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom("127.0.0.1", "crm.example.com:80") },
        fc.constantFrom("CRM.example.com", "[::1]:80", "a b", "999.9.9.9"),
      ),
      Connection: fc.constantFrom("close"),
    },
    { requiredKeys: ["Authorization", "Content-Type"] },
  );
}

test("responds to, logs and counts every change exactly as the app does", async () => {
  const tokens = {
    agent: await mint(),
    operator: await mint({ sub: "operator" }),
    reader: await mint({ scope: "availability:read" }),
    other: await mint({ sub: "124" }),
    globex: await mint({ customer: "globex" }),
    globexOperator: await mint({ customer: "globex", sub: "operator" }),
    expired: await mint({ exp: CLAIMS.exp - 7200 }),
  };
  const direct = await setUp({ tokens: Object.values(tokens) });
  const app = await setUp({ tokens: Object.values(tokens), cachesTokens: false });
  const userId = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("123", "123", "me", "124") },
    fc.constantFrom(`${UNCONFIRMED}`, `${DEFECTIVE}`, "0123", "0", "1e2", "ME", "%3123", "9007199254740992"),
    fc.integer({ min: 900, max: 920 }).map(String),
  );
  const requestArbitrary = fc.record({
    method: fc.oneof({ weight: 15, arbitrary: fc.constant("PUT") }, fc.constantFrom("POST", "DELETE")),
    prefix: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("", "/c/acme") },
      fc.constantFrom("/c/globex", "/c/globex", "/c/Acme", "/c/initech", "/c/"),
    ),
    userId,
    suffix: fc.oneof({ weight: 15, arbitrary: fc.constant("") }, fc.constantFrom("?", "?x=1", "/", "s")),
    headers: toHeadersArbitrary(tokens),
    ifMatch: fc.option(ifMatchArbitrary, { freq: 2, nil: undefined }),
    body: bodyArbitrary,
    delivery: fc.constantFrom("with the head", "with the head", "with the head", "later", "in chunks"),
  });
  await fc.assert(
    fc.asyncProperty(
      requestArbitrary,
      async ({ prefix, userId: name, suffix, headers, ifMatch, delivery, ...others }) => {
        const path = `${prefix}/v1/users/${name}/availability${suffix}`;
        const responses = [direct, app].map((gateway) => {
          const service = prefix === "/c/globex" ? gateway.globex : gateway.acme;
          const version = service.getCached?.(name === "me" ? 123 : Number(name))?.agent.version ?? 7;
          const all = {
            ...headers,
            ...(ifMatch && { "If-Match": ifMatch(version) }),
            ...(delivery === "in chunks" && { "Transfer-Encoding": "chunked" }),
          };
          return gateway.send({ path, ...others, headers: all, sendsBodyLater: delivery === "later" });
        });
        const [first, second] = await Promise.all(responses);
        expect(first).toEqual(second);
      },
    ),
    { numRuns: scaleRuns(600) },
  );
  // A request is logged when its response is closed, which may be after the client has the response.
  await expect.poll(() => direct.records.length - app.records.length).toBe(0);
  expect(toComparable(direct)).toEqual(toComparable(app));
  expect(await direct.counts()).toEqual(await app.counts());
});

/**
 * Returns what a gateway has logged, in any order, without times and random ids. Also without `aborted`, which depends on
 * when a client that sends its body later learns of a rejection.
 */
function toComparable({ records, audits, unauthorized, defects }: Awaited<ReturnType<typeof setUp>>) {
  const known = (id: string | undefined) => (id === "known" || id?.startsWith("4bf92f") ? id : "random");
  return {
    records: records
      .map(({ durationMs, requestId, traceId, ...record }) => {
        const ids = [known(requestId), known(traceId)];
        return JSON.stringify([...ids, durationMs >= 0, { ...record, aborted: undefined }]);
      })
      .sort(),
    audits: audits
      .map(({ requestId, traceId, version, ...audit }) =>
        JSON.stringify([known(requestId), known(traceId), version !== undefined, audit]),
      )
      .sort(),
    unauthorized: unauthorized
      .map(({ requestId, traceId, ...call }) => JSON.stringify([known(requestId), known(traceId), call]))
      .sort(),
    defects: defects.map(String),
  };
}

test("counts a change against the subject's limit and rejects the next as the app does", async () => {
  const limits = { ...UNLIMITED, requestsPerMinutePerSubject: 12 };
  const responses = [true, false].map(async (cachesTokens) => {
    const { send } = await setUp({ cachesTokens, limits, tokens: [await mint()] });
    const change = {
      method: "PUT",
      path: PATH,
      headers: { ...(await bearer()), ...JSON_BODY },
      body: '{"status":"auto"}',
    };
    return [await send(change), await send({ ...change, sendsBodyLater: true }), await send(change)];
  });
  const [direct, app] = await Promise.all(responses);
  expect(direct?.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(direct).toEqual(app);
});

/** Builds the bytes of a change in chunks, which the app makes. */
function toChunkedBytes(authorization: string, body: string): string {
  return `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

/** Builds the bytes of a request with a body. */
function toBytes(authorization: string, body: string, { path = PATH, length = body.length, more = "" } = {}): string {
  return `PUT ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n${body}`;
}

test("responds to pipelined changes and reads in order, also if they arrive in arbitrary pieces", async () => {
  const { Authorization } = await bearer();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("available", "other", "in_call", "GET"), { minLength: 1, maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
      fc.boolean(),
      fc.array(fc.boolean(), { minLength: 1 }),
      async (statuses, lengths, cachesTokens, areChunked) => {
        const { origin } = await setUp({ cachesTokens, tokens: [await mint()] });
        const requests = statuses.map((status, turn) => {
          if (status === "GET") {
            return `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${Authorization}\r\n\r\n`;
          }
          const build = areChunked[turn % areChunked.length] ? toChunkedBytes : toBytes;
          return build(Authorization, JSON.stringify({ status }));
        });
        const last = toBytes(Authorization, '{"status":"auto"}', { more: "Connection: close\r\n" });
        const bytes = [...requests, last].join("");
        const socket = connect(Number(new URL(origin).port), "127.0.0.1");
        onTestFinished(() => void socket.destroy());
        await once(socket.setNoDelay(), "connect");
        const received = text(socket);
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const length = lengths[turn % lengths.length] ?? 1;
          socket.write(bytes.slice(at, at + length));
          // Lets the gateway read the piece alone; which pieces it joins does not matter.
          await new Promise(setImmediate);
          at += length;
        }
        const found = (await received).split("HTTP/1.1 ").slice(1);
        let status = "available";
        const expected = [...statuses, "auto"].map((next) => {
          if (next === "in_call") return [422, undefined];
          if (next === "auto") status = "available";
          else if (next !== "GET") status = next;
          return [200, status];
        });
        const seen = found.map((response) => {
          const { status: answered }: { status: unknown } = JSON.parse(response.split("\r\n\r\n")[1] ?? "");
          return [Number(response.slice(0, 3)), answered === 422 ? undefined : answered];
        });
        expect(seen).toEqual(expected);
      },
    ),
    { numRuns: scaleRuns(15) },
  );
});

test.each([true, false])(
  "changes nothing if the client ends in the middle of the body, cachesTokens = %s",
  async (cachesTokens) => {
    const { origin, acme, records, defects } = await setUp({ cachesTokens, tokens: [await mint()] });
    const { Authorization } = await bearer();
    const socket = connect(Number(new URL(origin).port), "127.0.0.1");
    // The valid change that has arrived is less than the declared body.
    socket.write(toBytes(Authorization, '{"status":"other"}', { length: 19 }));
    socket.end();
    socket.resume();
    // The gateway logs the request, or rejects the connection, when it sees the end.
    await once(socket, "close");
    await expect
      .poll(() => records.map(({ route, method }) => [method, route]))
      .toEqual([["PUT", "/v1/users/:userId/availability"]]);
    expect(records[0]).toMatchObject({ aborted: true });
    expect(acme.getCached?.(123)?.agent.status).toBe("available");
    expect(defects).toEqual([]);
  },
);

test.each([true, false])(
  "logs a change as aborted if the client disconnects before the store has it, cachesTokens = %s",
  async (cachesTokens) => {
    const stored = await openService(() => memoryUpstream);
    let confirm: (() => void) | undefined;
    const hold = <Args extends readonly unknown[], Result>(set: (...args: Args) => Promise<Result>) => {
      return async (...args: Args): Promise<Result> => {
        await new Promise<void>((resolve) => {
          confirm = resolve;
        });
        return set(...args);
      };
    };
    const setter = stored.getStoreSetter?.();
    const acme = { ...stored, setStatus: hold(stored.setStatus), getStoreSetter: () => setter && hold(setter) };
    const { origin, records, defects, openConnections } = await setUp({ acme, cachesTokens, tokens: [await mint()] });
    const { Authorization } = await bearer();
    const socket = connect(Number(new URL(origin).port), "127.0.0.1");
    socket.write(toBytes(Authorization, '{"status":"other"}'));
    await expect.poll(() => confirm).toBeDefined();
    socket.destroy();
    // Wait until the gateway knows.
    await expect.poll(openConnections).toBe(0);
    confirm?.();
    await expect.poll(() => records).toHaveLength(1);
    expect(records[0]).toMatchObject({ aborted: true });
    expect(defects).toEqual([]);
  },
);
