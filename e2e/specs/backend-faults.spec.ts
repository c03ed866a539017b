/** Faults of the backend, and the settlement of a request: never later than its timeout, and the next request works. */
import type { Page } from "@playwright/test";
import type { Answers, RawAnswer } from "../../gateway/test/scripted-backend.ts";
import { listen } from "../../scripts/testing/local-server.ts";
import { ASK_123, AVAILABLE, expect, FULFILLED, openConnected, rejectedBy } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

const ask = (page: Page): Promise<unknown> => page.evaluate((event) => window.connector.dispatch(event), ASK_123);

const askWithin = (page: Page, timeoutMs: number): Promise<unknown> =>
  page.evaluate(([event, options]) => window.connector.dispatch(event, options), [ASK_123, { timeoutMs }] as const);

const TOO_MANY = { status: 429, body: { message: "Too many requests" } };

const TOO_MANY_REJECTED = {
  type: "API.FETCH_USER_AVAILABILITY_REJECTED",
  payload: { error: TOO_MANY.body },
  meta: { source: "backend", status: 429 },
};

const AS_JSON = { "content-type": "application/json" };

const reset: RawAnswer = ({ socket }, response) => {
  const text = JSON.stringify(AVAILABLE.body);
  response.writeHead(200, { ...AS_JSON, "content-length": text.length });
  // The reset follows written bytes, so that it falls into the middle of the body.
  response.write(text.slice(0, 20), () => socket.resetAndDestroy());
};

interface Fault {
  readonly answers: Answers;
  readonly settlement: unknown;
  readonly calls: number;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "resets the connection in the middle of a body, every time": {
    answers: reset,
    settlement: rejectedBy("BACKEND_UNREACHABLE"),
    calls: 3,
  },
  "resets the connection in the middle of a body, once": {
    answers: [reset, AVAILABLE],
    settlement: FULFILLED,
    calls: 2,
  },
  "answers with half a JSON": {
    answers: { status: 200, text: JSON.stringify(AVAILABLE.body).slice(0, 20) },
    settlement: rejectedBy("INVALID_RESPONSE"),
    calls: 1,
  },
  "answers with a page, as a proxy that wants a login does": {
    answers: { status: 200, contentType: "text/html", text: "<!doctype html><title>Sign in</title>" },
    settlement: rejectedBy("INVALID_RESPONSE"),
    calls: 1,
  },
  "answers with JSON under the wrong content type": {
    answers: { ...AVAILABLE, contentType: "text/html" },
    settlement: FULFILLED,
    calls: 1,
  },
  "says 429 with a Retry-After past the request's life": {
    answers: { ...TOO_MANY, headers: { "retry-after": "600" } },
    settlement: TOO_MANY_REJECTED,
    calls: 1,
  },
  "says 429 without a Retry-After, every time": { answers: TOO_MANY, settlement: TOO_MANY_REJECTED, calls: 3 },
  "says 429 without a Retry-After, once": { answers: [TOO_MANY, AVAILABLE], settlement: FULFILLED, calls: 2 },
  "says 503, then 200": { answers: [{ status: 503, text: "" }, AVAILABLE], settlement: FULFILLED, calls: 2 },
};

for (const [fault, { answers, settlement, calls }] of Object.entries(FAULTS)) {
  test(`a backend that ${fault}`, async ({ page, host, backend }) => {
    await openConnected(page, host, backend.origin);
    backend.answerWith(answers);
    // A timeout longer than the test: no request here is settled by its deadline.
    expect(await askWithin(page, 60_000)).toEqual(settlement);
    expect(backend.calls).toHaveLength(calls);
    backend.answerWith(AVAILABLE);
    expect(await ask(page)).toEqual(FULFILLED);
  });
}

test("a backend that hangs up before it answers, until it answers again", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  // The number of calls depends on the browser, which may repeat a request that got no response.
  backend.answerWith({ unreachable: true });
  expect(await askWithin(page, 60_000)).toEqual(rejectedBy("BACKEND_UNREACHABLE"));
  backend.answerWith(AVAILABLE);
  expect(await ask(page)).toEqual(FULFILLED);
});

test("a backend that refuses connections, until it is back", async ({ page, host, gateway }) => {
  await openConnected(page, host, gateway.origin);
  await gateway.stop();
  expect(await askWithin(page, 60_000)).toEqual(rejectedBy("BACKEND_UNREACHABLE"));
  await gateway.start();
  expect(await ask(page)).toMatchObject({ type: FULFILLED.type, payload: { userId: 123 } });
});

test("a backend that says 429 is called again when its Retry-After has passed, and not before", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith([{ ...TOO_MANY, headers: { "retry-after": "1" } }, AVAILABLE]);
  expect(await ask(page)).toEqual(FULFILLED);
  const [first, second, ...others] = backend.calls.map(({ at }) => at);
  expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(1_000);
  expect(others).toEqual([]);
});

test("a backend that sends 100 MB is cut off at the largest allowed size of a body", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  const size = 100 * 1024 * 1024;
  let sent = 0;
  backend.answerWith((_request, response) => {
    response.writeHead(200, { ...AS_JSON, "content-length": size });
    const chunk = Buffer.alloc(64 * 1024, " ");
    const pour = (): void => {
      while (sent < size && !response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", pour);
      }
    };
    pour();
  });
  expect(await askWithin(page, 60_000)).toEqual({
    type: "API.FETCH_USER_AVAILABILITY_REJECTED",
    payload: {
      error: {
        code: "INVALID_RESPONSE",
        message: "The backend's response is larger than 1048576 bytes",
        retryable: false,
      },
    },
    meta: { source: "bridge" },
  });
  await backend.calls[0]?.hungUp;
  // The buffers of the kernels and the browser hold more than the limit, but far less than the whole body.
  expect(sent).toBeLessThan(size / 2);
  expect(backend.calls).toHaveLength(1);
  backend.answerWith(AVAILABLE);
  expect(await ask(page)).toEqual(FULFILLED);
});

const SLOW: Readonly<Record<string, RawAnswer>> = {
  "never comes to the headers": () => {},
  "sends the headers and never comes to the body": (_request, response) => {
    response.writeHead(200, AS_JSON).flushHeaders();
  },
  "trickles a body that never ends": (_request, response) => {
    response.writeHead(200, AS_JSON);
    const trickle = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(trickle));
  },
};

for (const [slowness, answer] of Object.entries(SLOW)) {
  test(`a call to a backend that ${slowness} is cancelled at the request's deadline`, async ({
    page,
    host,
    backend,
  }) => {
    await openConnected(page, host, backend.origin);
    backend.answerWith(answer);
    expect(await askWithin(page, 500)).toEqual({
      type: "API.FETCH_USER_AVAILABILITY_REJECTED",
      payload: {
        error: {
          code: "BACKEND_TIMEOUT",
          message: expect.stringMatching(
            /^API\.FETCH_USER_AVAILABILITY had no answer from the backend within \d{1,3} ms$/,
          ),
          retryable: true,
        },
      },
      meta: { source: "bridge" },
    });
    await backend.calls[0]?.hungUp;
    expect(backend.calls).toHaveLength(1);
    backend.answerWith(AVAILABLE);
    expect(await ask(page)).toEqual(FULFILLED);
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a backend that redirects by ${status} to another origin, which is never called`, async ({
    page,
    host,
    backend,
  }) => {
    const asked: (string | undefined)[] = [];
    const other = await listen("127.0.0.1", ({ url }, response) => {
      asked.push(url);
      response.writeHead(200, { ...AS_JSON, "access-control-allow-origin": "*" });
      response.end(JSON.stringify(AVAILABLE.body));
    });
    await openConnected(page, host, backend.origin);
    backend.answerWith({ status, headers: { location: `http://127.0.0.1:${other.port}/stolen` }, text: "" });
    expect(await askWithin(page, 60_000)).toEqual(rejectedBy("INVALID_RESPONSE"));
    expect(backend.calls).toHaveLength(1);
    // The policy of the widget's own page permits this server: a request would reach it.
    await page.evaluate((address) => fetch(address), `http://127.0.0.1:${other.port}/control`);
    expect(asked).toEqual(["/control"]);
    await other.close();
  });
}
