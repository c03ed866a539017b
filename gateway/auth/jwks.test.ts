import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CLAIMS, makeKey, mint, NOW_MS, NOW_SECONDS, serveJwks } from "../test/test-tokens.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { createTokenVerifier } from "./verify-token.ts";

// Only `Date`, the clock of the key set's age, is fake: requests are real.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW_MS }));
afterEach(() => void vi.useRealTimers());

function verifierOver(jwksUrl: string) {
  const clock = { wallMs: () => Date.now(), monotonicMs: () => Date.now() };
  const settings = {
    algorithm: "ES256",
    issuer: CLAIMS.iss,
    audience: CLAIMS.aud,
    leewaySeconds: 30,
    jwksUrl,
  } as const;
  return createTokenVerifier(settings, "acme", { clock });
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

test("rejects tokens of a removed key once the set is old, even tokens accepted before", async () => {
  const [first, second] = [await makeSigner("first"), await makeSigner("second")];
  const keySet = await serveJwks([first.jwk]);
  const verify = verifierOver(keySet.url);
  const token = await first.sign();
  await verify(token);
  keySet.answer = { body: { keys: [second.jwk] } };
  advance(299);
  await expect(verify(token)).resolves.toMatchObject({ subject: 123 });
  advance(302);
  await expect(verify(token)).rejects.toThrow(InvalidTokenError);
  await expect(verify(await second.sign())).resolves.toMatchObject({ subject: 123 });
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
  const settings = { algorithm: "RS256", issuer: CLAIMS.iss, audience: CLAIMS.aud, leewaySeconds: 30 } as const;
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

test("uses the cached keys while the key set's server is unreachable", async () => {
  const { jwk, sign } = await makeSigner("first");
  const keySet = await serveJwks([jwk]);
  const verify = verifierOver(keySet.url);
  await verify(await sign());
  await keySet.close();
  advance(599);
  await expect(verify(await sign({ sub: "124" }))).resolves.toMatchObject({ subject: 124 });
  advance(2);
  await expect(verify(await sign({ sub: "125" }))).rejects.toThrow(KeysUnavailableError);
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
