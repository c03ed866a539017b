import { createHmac } from "node:crypto";
import fc from "fast-check";
import { exportSPKI, generateKeyPair, importJWK } from "jose";
import { expect, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { CLAIMS, makeKey, mint, NOW_MS, NOW_SECONDS, SECRET_SETTINGS, serveJwks } from "../test/test-tokens.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import type { TokenSettings } from "./token-settings.ts";
import { createTokenVerifier } from "./verify-token.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 0 };

const verify = createTokenVerifier(SECRET_SETTINGS, "acme", { clock });

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

test("returns the token's subject and scopes", async () => {
  await expect(verify(await mint())).resolves.toEqual({
    subject: 123,
    scopes: new Set(["availability:read", "availability:write"]),
    authority: expect.stringMatching(/^[\w-]{43}$/),
    endsAtMs: (CLAIMS.exp + 30) * 1000,
  });
});

test.each(["RS256", "ES256", "EdDSA"] as const)(
  "verifies %s with a key set, and with no other key",
  async (algorithm) => {
    const { privateKey, jwk } = await makeKey(algorithm, "first");
    const { url } = await serveJwks([jwk]);
    const { secret: _secret, ...shared } = { secret: "", ...SECRET_SETTINGS };
    const settings: TokenSettings = { ...shared, algorithm, jwksUrl: url };
    const verifyByKeySet = createTokenVerifier(settings, "acme", { clock });
    await expect(verifyByKeySet(await mint({}, privateKey, { alg: algorithm, kid: "first" }))).resolves.toMatchObject({
      subject: 123,
    });
    const other = await makeKey(algorithm, "first");
    const forged = await mint({}, other.privateKey, { alg: algorithm, kid: "first" });
    await expect(verifyByKeySet(forged)).rejects.toThrow(InvalidTokenError);
  },
);

test.each([
  ["EdDSA", "EdDSA", "Ed25519"],
  ["EdDSA", "Ed25519", "Ed25519"],
  ["EdDSA", "Ed25519", "EdDSA"],
  ["EdDSA", "Ed25519", undefined],
  ["Ed25519", "EdDSA", "EdDSA"],
  ["Ed25519", "EdDSA", "Ed25519"],
] as const)(
  "takes Ed25519 and EdDSA for one algorithm: %s in the settings, %s in the token, %s in the key set",
  async (algorithm, ofToken, ofKey) => {
    const { privateKey, jwk } = await makeKey(ofToken, "first");
    const { url } = await serveJwks([{ ...jwk, ...(ofKey && { alg: ofKey }) }]);
    const settings: TokenSettings = {
      algorithm,
      issuer: CLAIMS.iss,
      audience: CLAIMS.aud,
      leewaySeconds: 30,
      maxLifetimeSeconds: 86_400,
      jwksUrl: url,
    };
    const token = await mint({}, privateKey, { alg: ofToken, kid: "first" });
    await expect(createTokenVerifier(settings, "acme", { clock })(token)).resolves.toMatchObject({ subject: 123 });
  },
);

test("rejects a token that is signed with another secret", async () => {
  const key = new TextEncoder().encode("another secret of at least 32 bytes");
  await expect(verify(await mint({}, key))).rejects.toThrow("signature verification failed");
});

test("rejects a token without a signature", async () => {
  const claims = encode(CLAIMS);
  for (const alg of ["none", "None", "NONE", ""]) {
    await expect(verify(`${encode({ alg })}.${claims}.`)).rejects.toThrow(InvalidTokenError);
  }
  const [header, payload] = (await mint()).split(".");
  await expect(verify(`${header}.${payload}.`)).rejects.toThrow(InvalidTokenError);
});

test("rejects a token that is signed by another algorithm with the right secret", async () => {
  const key = new TextEncoder().encode("0123456789abcdef0123456789abcdef".repeat(2));
  const secret = "0123456789abcdef0123456789abcdef".repeat(2);
  const settings = { ...SECRET_SETTINGS, algorithm: "HS256", secret } as const;
  const verifyLong = createTokenVerifier(settings, "acme", { clock });
  await expect(verifyLong(await mint({}, key))).resolves.toMatchObject({ subject: 123 });
  await expect(verifyLong(await mint({}, key, { alg: "HS512" }))).rejects.toThrow("alg: expected ");
});

test("rejects a token that is signed by HS256 with the public key, as text or as bytes", async () => {
  const { publicKey } = await generateKeyPair("RS256", { extractable: true });
  const { jwk } = await makeKey("RS256", "first");
  const { url, requests } = await serveJwks([jwk]);
  const verifyByKeySet = createTokenVerifier(
    {
      algorithm: "RS256",
      issuer: CLAIMS.iss,
      audience: CLAIMS.aud,
      leewaySeconds: 30,
      maxLifetimeSeconds: 86_400,
      jwksUrl: url,
    },
    "acme",
    { clock },
  );
  const imported = await importJWK(jwk, "RS256", { extractable: true });
  const pem = await exportSPKI("type" in imported ? imported : publicKey);
  for (const key of [pem, JSON.stringify(jwk), Buffer.from(jwk.n ?? "", "base64url")]) {
    const signed = `${encode({ alg: "HS256", kid: "first" })}.${encode(CLAIMS)}`;
    const forged = `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
    await expect(verifyByKeySet(forged)).rejects.toThrow("alg: expected ");
  }
  expect(requests()).toBe(0);
});

test.each([
  ["another issuer", { iss: "https://login.globex.example" }, "iss"],
  ["no issuer", { iss: undefined }, "iss"],
  ["another audience", { aud: "https://api.acme.example" }, "aud"],
  ["an audience in other letters", { aud: "Availability-Bridge" }, "aud"],
  ["no audience", { aud: undefined }, "aud"],
  ["a list of other audiences", { aud: ["one", "two"] }, "aud"],
  ["no end", { exp: undefined }, "exp"],
  [
    "an end in milliseconds",
    { exp: NOW_MS + 600_000 },
    "exp: expected a number of seconds since 1970, but it is after the year 5000, as if it were milliseconds",
  ],
  ["an end that is a text", { exp: `${NOW_SECONDS + 600}` }, "exp"],
  ["a beginning that is a text", { nbf: "yesterday" }, "nbf"],
  ["another customer", { customer: "globex" }, "belongs to another customer"],
  ["the customer in other letters", { customer: "Acme" }, "belongs to another customer"],
  ["a list of customers", { customer: ["acme"] }, "customer: expected the customer's id, as text, but it is a list"],
  ["no customer", { customer: undefined }, "customer: expected the customer's id, as text, but the claim is missing"],
  ["a customer in its prototype", { customer: undefined, ["__proto__"]: { customer: "acme" } }, "customer: expected"],
  [
    "no subject",
    { sub: undefined },
    'sub: expected a user id in decimal, as text, or "operator", but the claim is missing',
  ],
  ["a subject that is a number", { sub: 123 }, "but it is of the type number"],
  [
    "scopes in a list",
    { scope: ["availability:read"] },
    "scope: expected scopes with spaces between them, as text, but it is a list",
  ],
])("rejects a token with %s", async (_what, claims, why) => {
  const verification = verify(await mint(claims));
  await expect(verification).rejects.toThrow(InvalidTokenError);
  await expect(verification).rejects.toThrow(why);
});

test("accepts an audience in a list", async () => {
  await expect(verify(await mint({ aud: ["other", CLAIMS.aud] }))).resolves.toMatchObject({ subject: 123 });
});

test.each(["0", "-1", "01", "1.0", "1e3", " 1", "1 ", "+1", "9007199254740992", "Operator", "operator ", "", "abc"])(
  "rejects the subject %j",
  async (sub) => {
    await expect(verify(await mint({ sub }))).rejects.toThrow("sub: expected");
  },
);

test.each([
  ["1", 1],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ["operator", "operator"],
])("accepts the subject %j", async (sub, subject) => {
  await expect(verify(await mint({ sub }))).resolves.toMatchObject({ subject });
});

test.each([
  [undefined, []],
  ["", []],
  ["availability:read", ["availability:read"]],
  ["openid availability:write  profile", ["availability:write"]],
  ["availability:readers availability Availability:Read", []],
  ["availability:read,availability:write", []],
])("parses the scope %j", async (scope, scopes) => {
  await expect(verify(await mint({ scope }))).resolves.toMatchObject({ scopes: new Set(scopes) });
});

test.each([
  [{ exp: NOW_SECONDS - 29 }, true],
  [{ exp: NOW_SECONDS - 30 }, false],
  [{ nbf: NOW_SECONDS + 30 }, true],
  [{ nbf: NOW_SECONDS + 31 }, false],
])("compares %j with the clock with half a minute of leeway: %j", async (claims, holds) => {
  const verdict = await verify(await mint(claims)).then(
    () => true,
    (error) => !(error instanceof InvalidTokenError),
  );
  expect(verdict).toBe(holds);
});

test("allows no leeway if 0 is configured", async () => {
  const strict = createTokenVerifier({ ...SECRET_SETTINGS, leewaySeconds: 0 }, "acme", { clock });
  await expect(strict(await mint({ exp: NOW_SECONDS + 1 }))).resolves.toMatchObject({ subject: 123 });
  await expect(strict(await mint({ exp: NOW_SECONDS }))).rejects.toThrow("exp: expected ");
  await expect(strict(await mint({ nbf: NOW_SECONDS + 1 }))).rejects.toThrow("nbf: expected ");
});

test("rejects a token over 8 KiB unread, and accepts a token of 8 KiB", async () => {
  const empty = (await mint({ padding: "" })).length;
  // Three bytes become four characters.
  const padding = "x".repeat(Math.floor(((8192 - empty) * 3) / 4));
  const longest = await mint({ padding });
  expect(longest.length).toBeGreaterThan(8188);
  expect(longest.length).toBeLessThanOrEqual(8192);
  await expect(verify(longest)).resolves.toMatchObject({ subject: 123 });
  await expect(verify(await mint({ padding: `${padding}xxxx` }))).rejects.toThrow("longer than 8192 characters");
});

test("reveals no claim of a rejected token", async () => {
  const secretive = { iss: "SECRETIVE", sub: "SECRETIVE", customer: "SECRETIVE", aud: "SECRETIVE", nbf: "SECRETIVE" };
  for (const [claim, value] of Object.entries(secretive)) {
    const error: unknown = await verify(await mint({ [claim]: value })).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("InvalidTokenError");
    expect(String(error)).not.toContain("SECRETIVE");
  }
});

test("reveals nothing of the header of a rejected token", async () => {
  for (const header of [{ crit: ["SECRETIVE"] }, { alg: "SECRETIVE" }, { crit: ["b64"], b64: "SECRETIVE" }]) {
    const token = `${encode({ alg: "HS256", SECRETIVE: 1, ...header })}.${encode(CLAIMS)}.c2ln`;
    const error: unknown = await verify(token).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("InvalidTokenError");
    expect(String(error)).not.toContain("SECRETIVE");
  }
});

test("rejects any unsigned text", async () => {
  const part = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.base64String(),
    fc.json().map((text) => Buffer.from(text).toString("base64url")),
  );
  const header = fc.record(
    { alg: fc.constantFrom("HS256", "none", 7, null), crit: fc.anything(), b64: fc.boolean(), kid: fc.anything() },
    { requiredKeys: ["alg"] },
  );
  const withHeader = fc.tuple(
    header.map((value) => Buffer.from(JSON.stringify(value) ?? "").toString("base64url")),
    part,
    part,
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(".")),
    withHeader.map((parts) => parts.join(".")),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      await expect(verify(text)).rejects.toThrow(InvalidTokenError);
    }),
    { numRuns: scaleRuns(500) },
  );
});

test("rejects a valid token with any one character changed", async () => {
  const token = await mint();
  const others = fc.constantFrom(...Array.from("ABCXYZabcxyz0189-_.="));
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 2), others, async (index, other) => {
      fc.pre(token[index] !== other);
      await expect(verify(token.slice(0, index) + other + token.slice(index + 1))).rejects.toThrow(InvalidTokenError);
    }),
  );
});

test("accepts the tokens of each of several secrets, and of no other", async () => {
  const [first, second, other] = ["a", "b", "c"].map((letter) => letter.repeat(32));
  if (!first || !second || !other) throw new Error("Three secrets are needed");
  const verifyEither = createTokenVerifier(
    { ...SECRET_SETTINGS, algorithm: "HS256", secret: [first, second] },
    "acme",
    { clock },
  );
  const sign = (secret: string) => mint({}, new TextEncoder().encode(secret));
  const callers = await Promise.all([first, second].map(async (secret) => verifyEither(await sign(secret))));
  expect(callers.map(({ subject }) => subject)).toEqual([123, 123]);
  await expect(verifyEither(await sign(other))).rejects.toThrow("signature verification failed");
  const verifySecond = createTokenVerifier({ ...SECRET_SETTINGS, algorithm: "HS256", secret: second }, "acme", {
    clock,
  });
  expect(callers.map((caller) => verifySecond.accepts?.(caller))).toEqual([false, true]);
});

test.each([
  [
    "the time until its end",
    { exp: NOW_SECONDS + 3_631 },
    "3600 seconds after now (maxLifetimeSeconds), but it is 3601",
  ],
  [
    "its lifetime since it was issued",
    { iat: NOW_SECONDS - 3_000, exp: NOW_SECONDS + 601 },
    "3600 seconds after iat (maxLifetimeSeconds), but it is 3601",
  ],
])("rejects a token by %s", async (_what, claims, reason) => {
  const strict = createTokenVerifier({ ...SECRET_SETTINGS, maxLifetimeSeconds: 3_600 }, "acme", { clock });
  await expect(strict(await mint(claims))).rejects.toThrow(`exp: expected at most ${reason} seconds after`);
  await expect(strict(await mint({ ...claims, exp: claims.exp - 1 }))).resolves.toMatchObject({ subject: 123 });
});

test.each([
  [{ iss: "https://login.globex.example" }, 'iss: expected "https://login.acme.example", but it is another text'],
  [{ aud: ["one", "two"] }, 'aud: expected "availability-bridge", alone or in a list, but it is a list'],
  [{ aud: undefined }, 'aud: expected "availability-bridge", alone or in a list, but the claim is missing'],
  [{ exp: NOW_SECONDS - 42 }, "exp: expected a time that is yet to come, but it was 42 seconds ago"],
  [{ exp: "soon" }, "exp: expected a number of seconds since 1970, but it is another text"],
  [
    { nbf: NOW_SECONDS + 60 },
    "nbf: expected a number of seconds since 1970 that is not yet to come, but it is 60 seconds from now",
  ],
])("says of a token with %j what it expected and what came", async (claims, reason) => {
  await expect(verify(await mint(claims))).rejects.toThrow(`The token is rejected: ${reason}`);
});

test("names a known algorithm of a rejected token, and repeats no other text of its header", async () => {
  const payload = encode(CLAIMS);
  const reasonOf = (alg: string) => verify(`${encode({ alg })}.${payload}.AAAA`).catch(({ message }: Error) => message);
  expect(await reasonOf("RS256")).toBe("The token is rejected: alg: expected HS256, but it is RS256");
  expect(await reasonOf("secretive")).toBe("The token is rejected: alg: expected HS256, but it is another algorithm");
});

test.each(["token", "a.b", "a.b.c.d", ""])("says that %j is no JWT", async (token) => {
  await expect(verify(token)).rejects.toThrow(
    "The token is rejected: not a JWT: expected three parts with dots between them",
  );
});

test("says if none of several secrets has signed a token", async () => {
  const secret = ["a", "b"].map((letter) => letter.repeat(32));
  const either = createTokenVerifier({ ...SECRET_SETTINGS, algorithm: "HS256", secret }, "acme", { clock });
  await expect(either(await mint())).rejects.toThrow("signature verification failed with each of the 2 secrets");
});
