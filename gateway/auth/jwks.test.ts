import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createDeferred, type Deferred } from "../store/redis/deferred.ts";
import { CLAIMS, makeKey, mint, NOW_MS, NOW_SECONDS, serveJwks } from "../test/test-tokens.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { createJwks } from "./jwks.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { createTokenVerifier, type TokenVerifierOptions } from "./verify-token.ts";

// Only `Date`, the clock of the key set's age, is fake: requests are real.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW_MS }));
afterEach(() => void vi.useRealTimers());

function verifierOver(jwksUrl: string, { wait }: TokenVerifierOptions = {}) {
  const clock = { wallMs: () => Date.now(), monotonicMs: () => Date.now() };
  const settings = {
    algorithm: "ES256",
    issuer: CLAIMS.iss,
    audience: CLAIMS.aud,
    leewaySeconds: 30,
    maxLifetimeSeconds: 86_400,
    jwksUrl,
  } as const;
  return createTokenVerifier(settings, "acme", { clock, ...(wait && { wait }) });
}

/** Timers that end when the test says so. */
function createManualTimers() {
  const waiting: { readonly milliseconds: number; readonly end: () => void }[] = [];
  return {
    wait: (milliseconds: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ milliseconds, end: resolve });
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
    /** Waits for the next timer, moves the clock by its time, and ends it. Returns the time. */
    async elapse(): Promise<number> {
      await expect.poll(() => waiting.length).toBe(1);
      const [timer] = waiting.splice(0);
      advance((timer?.milliseconds ?? 0) / 1000);
      timer?.end();
      return timer?.milliseconds ?? 0;
    },
  };
}

/** A customer's verifier whose key set is kept fresh, with the lines of the log. */
async function keepFresh(url: string) {
  const timers = createManualTimers();
  const verify = verifierOver(url, timers);
  const lines: string[] = [];
  const log = { line: (text: string) => void lines.push(text), warning: (text: string) => void lines.push(text) };
  const stopping = new AbortController();
  const done = verify.keySet?.keepFresh(log, stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await done;
  });
  return { verify, lines, elapse: timers.elapse };
}

async function makeSigner(kid: string) {
  const { privateKey, jwk } = await makeKey("ES256", kid);
  const exp = NOW_SECONDS + 86_400;
  return { jwk, sign: (claims = {}) => mint({ exp, ...claims }, privateKey, { alg: "ES256", kid }) };
}

const advance = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000);

test("fetches a key set once for any number of tokens", async () => {
  const { jwk, sign } = await makeSigner("first");
  const { url, requests } = await serveJwks([jwk]);
  const verify = verifierOver(url);
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, index) => sign({ sub: `${index + 1}` })));
  const callers = await Promise.all(tokens.map(verify));
  expect(callers.map(({ subject }) => subject)).toEqual(tokens.map((_, index) => index + 1));
  expect(requests()).toBe(1);
});

test("accepts a new key once the last fetch is half a minute old, and not before", async () => {
  const [first, second] = [await makeSigner("first"), await makeSigner("second")];
  const keySet = await serveJwks([first.jwk]);
  const verify = verifierOver(keySet.url);
  await verify(await first.sign());
  keySet.answer = { body: { keys: [first.jwk, second.jwk] } };
  await expect(verify(await second.sign())).rejects.toThrow(InvalidTokenError);
  expect(keySet.requests()).toBe(1);
  advance(31);
  await expect(verify(await second.sign())).resolves.toMatchObject({ subject: 123 });
  await expect(verify(await first.sign({ sub: "124" }))).resolves.toMatchObject({ subject: 124 });
  expect(keySet.requests()).toBe(2);
});

test("fetches at most twice a minute for unknown keys", async () => {
  const { jwk, sign } = await makeSigner("first");
  const { url, requests } = await serveJwks([jwk]);
  const verify = verifierOver(url);
  await verify(await sign());
  const stranger = await makeSigner("stranger");
  advance(31);
  for (let index = 1; index <= 20; index += 1) {
    await expect(verify(await stranger.sign({ sub: `${index}` }))).rejects.toThrow(InvalidTokenError);
  }
  expect(requests()).toBe(2);
});

test("rejects tokens of a removed key after the next fetch in the background, even tokens accepted before", async () => {
  const [first, second] = [await makeSigner("first"), await makeSigner("second")];
  const keySet = await serveJwks([first.jwk]);
  const { verify, elapse } = await keepFresh(keySet.url);
  const token = await first.sign();
  await verify(token);
  keySet.answer = { body: { keys: [second.jwk] } };
  expect(await elapse()).toBeLessThanOrEqual(300_000);
  await expect.poll(keySet.requests).toBe(2);
  // The verified token is remembered for up to five minutes.
  advance(301);
  await expect(verify(token)).rejects.toThrow(InvalidTokenError);
  await expect(verify(await second.sign())).resolves.toMatchObject({ subject: 123 });
});

test("fetches in the background alone while it has keys", async () => {
  const { jwk, sign } = await makeSigner("first");
  const keySet = await serveJwks([jwk]);
  const { verify } = await keepFresh(keySet.url);
  await verify(await sign());
  advance(3600);
  await verify(await sign({ sub: "124" }));
  expect(keySet.requests()).toBe(1);
});

test("goes on with its keys for a day if the set cannot be fetched, and says so once, and when it is back", async () => {
  const { jwk, sign } = await makeSigner("first");
  const keySet = await serveJwks([jwk]);
  const { verify, lines, elapse } = await keepFresh(keySet.url);
  await verify(await sign());
  keySet.answer = { status: 500, body: "" };
  for (let fetches = 1; fetches <= 4; fetches += 1) {
    await elapse();
    await expect.poll(keySet.requests).toBe(fetches + 1);
  }
  await expect(verify(await sign({ sub: "124" }))).resolves.toMatchObject({ subject: 124 });
  expect(verify.keySet?.isAvailable()).toBe(false);
  await expect
    .poll(() => lines)
    .toEqual([expect.stringMatching(/status 500; the gateway goes on .* at most 24 hours$/)]);
  keySet.answer = { body: { keys: [jwk] } };
  await elapse();
  await expect.poll(() => lines.slice(1)).toEqual([expect.stringMatching(/can be fetched again$/)]);
});

test("rejects no token, and accepts none, once its keys are older than a day", async () => {
  const { jwk, sign } = await makeSigner("first");
  const keySet = await serveJwks([jwk]);
  const verify = verifierOver(keySet.url);
  await verify(await sign());
  await keySet.close();
  advance(86_399);
  await expect(verify(await sign({ sub: "124", exp: NOW_SECONDS + 90_000 }))).resolves.toMatchObject({ subject: 124 });
  advance(2);
  const late = sign({ sub: "125", exp: NOW_SECONDS + 90_000 });
  await expect(verify(await late)).rejects.toThrow(KeysUnavailableError);
});

test("stays available while the set is fetched again, and is not after a fetch that failed", async () => {
  const { jwk } = await makeSigner("first");
  const fetches: Deferred<Response>[] = [];
  const fetch = () => {
    const response = createDeferred<Response>();
    fetches.push(response);
    return response.promise;
  };
  const timers = createManualTimers();
  const url = "https://login.acme.example/keys";
  const clock = { wallMs: () => Date.now(), monotonicMs: () => Date.now() };
  const keySet = createJwks({ url, algorithm: "ES256", clock, fetch, wait: timers.wait });
  const stopping = new AbortController();
  const done = keySet.keepFresh({ line: () => {}, warning: () => {} }, stopping.signal);
  expect(keySet.isAvailable()).toBeUndefined();
  fetches[0]?.resolve(Response.json({ keys: [jwk] }));
  await timers.elapse();
  await expect.poll(() => fetches.length).toBe(2);
  expect(keySet.isAvailable()).toBe(true);
  fetches[1]?.reject(new TypeError("fetch failed"));
  await timers.elapse();
  await expect.poll(() => fetches.length).toBe(3);
  expect(keySet.isAvailable()).toBe(false);
  fetches[2]?.resolve(Response.json({ keys: [jwk] }));
  await expect.poll(keySet.isAvailable).toBe(true);
  stopping.abort();
  await done;
});

test("names a set without a key for the customer's algorithm, once", async () => {
  const { jwk } = await makeKey("RS256", "first");
  const keySet = await serveJwks([jwk, { kty: "EC", crv: "P-384", x: "AA", y: "AA" }]);
  const { lines, elapse } = await keepFresh(keySet.url);
  await elapse();
  await expect.poll(keySet.requests).toBe(2);
  await expect
    .poll(() => lines)
    .toEqual([
      expect.stringMatching(
        /^The key set at .* has no key for ES256: expected one, but it has RSA, EC P-384; every token/,
      ),
    ]);
});

test.each([
  ["an error", { status: 500, body: "" }],
  ["a redirect", { status: 302, body: "" }],
  ["invalid JSON", { body: "<!doctype html>" }],
  ["no key set", { body: { key: [] } }],
  ["more than any key set needs", { body: { keys: [], padding: "x".repeat(300_000) } }],
  ["an invalid key", { body: { keys: [{ kty: "EC", crv: "P-256", kid: "first", x: "AA", y: "AA" }] } }],
])("does not reject a token if the key set's server responds with %s", async (_what, answer) => {
  const { jwk, sign } = await makeSigner("first");
  const keySet = await serveJwks([jwk]);
  keySet.answer = answer;
  const verify = verifierOver(keySet.url);
  await expect(verify(await sign())).rejects.toThrow(KeysUnavailableError);
});

test("does not reject a token if the key is too short", async () => {
  const { privateKey, jwk } = await makeKey("RS256", "first");
  const { url } = await serveJwks([{ kty: "RSA", kid: "first", e: "AQAB", n: (jwk.n ?? "").slice(0, 170) }]);
  const settings = {
    algorithm: "RS256",
    issuer: CLAIMS.iss,
    audience: CLAIMS.aud,
    leewaySeconds: 30,
    maxLifetimeSeconds: 86_400,
  } as const;
  const verify = createTokenVerifier({ ...settings, jwksUrl: url }, "acme");
  const verification = verify(await mint({}, privateKey, { alg: "RS256", kid: "first" }));
  await expect(verification).rejects.toThrow(KeysUnavailableError);
});

test("accepts a token that was not verifiable once the key set's server is back", async () => {
  const { jwk, sign } = await makeSigner("first");
  const gone = await serveJwks([jwk]);
  await gone.close();
  const verify = verifierOver(gone.url);
  const token = await sign();
  await expect(verify(token)).rejects.toThrow(/The key set at http.* returned no key: .*ECONNREFUSED/);
  const back = await serveJwks([jwk], Number(new URL(gone.url).port));
  // Not within a second: tokens must not cause many requests to a failing server.
  await expect(verify(token)).rejects.toThrow(KeysUnavailableError);
  expect(back.requests()).toBe(0);
  advance(1);
  await expect(verify(token)).resolves.toMatchObject({ subject: 123 });
});

test("chooses no key for a token without a key id", async () => {
  const [first, second] = [await makeSigner("first"), await makeSigner("second")];
  const { url } = await serveJwks([first.jwk, second.jwk]);
  const { privateKey } = await makeKey("ES256", "none");
  await expect(verifierOver(url)(await mint({}, privateKey, { alg: "ES256" }))).rejects.toThrow(InvalidTokenError);
});

test("names the key set's address without the query, which may contain a secret", async () => {
  const { sign } = await makeSigner("first");
  const verify = verifierOver("http://127.0.0.1:1/keys?key=SECRETIVE");
  const error: unknown = await verify(await sign()).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KeysUnavailableError);
  expect(String(error)).toContain("http://127.0.0.1:1/keys");
  expect(String(error)).not.toContain("SECRETIVE");
});
