import * as v from "valibot";
import { expect, test } from "vitest";
import { TokenSettings } from "./token-settings.ts";

const SHARED = { issuer: "https://login.acme.example", audience: "availability-bridge" };
const SECRET_FORM = { algorithm: "HS256", ...SHARED, secret: "x".repeat(32) };
const KEY_SET_FORM = { algorithm: "ES256", ...SHARED, jwksUrl: "https://login.acme.example/keys" };

/** Messages of the issues by path. */
function problems(settings: unknown): Record<string, string> {
  const result = v.safeParse(TokenSettings, settings);
  return Object.fromEntries((result.issues ?? []).map((issue) => [v.getDotPath(issue) ?? "", issue.message]));
}

test("accepts a secret, with half a minute of leeway and a lifetime of a day by default", () => {
  const defaults = { leewaySeconds: 30, maxLifetimeSeconds: 86_400 };
  expect(v.parse(TokenSettings, SECRET_FORM)).toEqual({ ...SECRET_FORM, ...defaults });
  expect(v.parse(TokenSettings, { ...SECRET_FORM, leewaySeconds: 0 })).toMatchObject({ leewaySeconds: 0 });
});

test.each(["RS256", "ES256", "EdDSA", "Ed25519"])("accepts a key set for %s", (algorithm) => {
  expect(v.parse(TokenSettings, { ...KEY_SET_FORM, algorithm })).toMatchObject({ algorithm });
});

test("accepts a list of secrets, each of which is long enough", () => {
  const [first, second] = ["x".repeat(32), "y".repeat(32)];
  expect(v.parse(TokenSettings, { ...SECRET_FORM, secret: [first, second] })).toMatchObject({
    secret: [first, second],
  });
  expect(problems({ ...SECRET_FORM, secret: [first, "short"] })).toEqual({
    "secret.1": "expected a text of at least 32 bytes",
  });
});

test.each([[], 7, null, Array.from({ length: 9 }, () => "x".repeat(32))].map((secret) => ({ secret })))(
  "rejects $secret as secrets",
  ({ secret }) => {
    expect(problems({ ...SECRET_FORM, secret })).toEqual({
      secret: "expected a text of at least 32 bytes, or a list of 1 to 8 such texts",
    });
  },
);

test.each([59, 1.5, 31_622_401, "60"])("rejects %j seconds of lifetime", (maxLifetimeSeconds) => {
  expect(problems({ ...SECRET_FORM, maxLifetimeSeconds })).toEqual({
    maxLifetimeSeconds: "expected whole seconds from 60 to 31622400",
  });
});

test("counts the secret's bytes, not its characters", () => {
  expect(problems({ ...SECRET_FORM, secret: "ä".repeat(16) })).toEqual({});
  expect(problems({ ...SECRET_FORM, secret: "x".repeat(31) })).toEqual({
    secret: "expected a text of at least 32 bytes",
  });
});

test.each(["http://localhost:8080/keys", "http://127.0.0.1/keys", "https://login.acme.example/keys?tenant=1"])(
  "accepts the key set at %s",
  (jwksUrl) => {
    expect(problems({ ...KEY_SET_FORM, jwksUrl })).toEqual({});
  },
);

test.each([
  "http://login.acme.example/keys",
  "http://localhost.evil.example/keys",
  "http://127.0.0.1.evil.example/keys",
  "https://user:password@login.acme.example/keys",
  "https://login.acme.example/keys#first",
  "file:///etc/keys.json",
  "login.acme.example/keys",
  "",
  7,
])("rejects the key set at %j", (jwksUrl) => {
  expect(problems({ ...KEY_SET_FORM, jwksUrl })).toEqual({
    jwksUrl: "expected an https URL without user name, password or fragment (http for localhost and 127.0.0.1 alone)",
  });
});

test.each(["none", "HS512", "PS256", "hs256", "", undefined, 7])("rejects the algorithm %j", (algorithm) => {
  expect(problems({ ...SECRET_FORM, algorithm })).toEqual({
    algorithm: "expected one of HS256, RS256, ES256, EdDSA, Ed25519",
  });
});

const FORMS =
  'expected exactly { algorithm: "HS256", issuer, audience, secret, leewaySeconds?, maxLifetimeSeconds? } or ' +
  '{ algorithm: "RS256" | "ES256" | "EdDSA" | "Ed25519", issuer, audience, jwksUrl, leewaySeconds?, maxLifetimeSeconds? }';

test("rejects a key set for HS256, and a secret for the other algorithms", () => {
  expect(problems({ ...SECRET_FORM, jwksUrl: KEY_SET_FORM.jwksUrl })).toEqual({ jwksUrl: FORMS });
  expect(problems({ ...KEY_SET_FORM, secret: SECRET_FORM.secret })).toEqual({ secret: FORMS });
});

test.each([undefined, null, "HS256"])("describes the settings in place of %j", (settings) => {
  expect(problems(settings)).toEqual({ "": FORMS });
});

test("names every bad setting at once without its value", () => {
  const secret = "too short a secret";
  const found = problems({ algorithm: "HS256", issuer: "", audience: 7, secret, leewaySeconds: 301 });
  expect(found).toEqual({
    issuer: "expected the text that tokens carry in iss, such as https://login.acme.example",
    audience: "expected the text that tokens carry in aud, such as availability-bridge",
    secret: "expected a text of at least 32 bytes",
    leewaySeconds: "expected whole seconds from 0 to 300",
  });
  expect(JSON.stringify(found)).not.toContain(secret);
});

test("names missing settings", () => {
  expect(problems({ algorithm: "RS256" })).toEqual({ issuer: FORMS, audience: FORMS, jwksUrl: FORMS });
});

test.each([-1, 1.5, 301, "30", Number.NaN, null])("rejects %j seconds of leeway", (leewaySeconds) => {
  expect(problems({ ...SECRET_FORM, leewaySeconds })).toEqual({
    leewaySeconds: "expected whole seconds from 0 to 300",
  });
});
