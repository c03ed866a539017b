/** Key sets and tokens in the shapes that identity providers document, with keys and names made for the test. */
import { expect, test } from "vitest";
import { CLAIMS, makeKey, mint, NOW_MS, NOW_SECONDS, serveJwks } from "../test/test-tokens.ts";
import { createTokenVerifier } from "./verify-token.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => NOW_MS };

function verifierOver(jwksUrl: string, { issuer = CLAIMS.iss, audience = CLAIMS.aud } = {}) {
  const settings = {
    algorithm: "RS256",
    issuer,
    audience,
    leewaySeconds: 30,
    maxLifetimeSeconds: 86_400,
    jwksUrl,
  } as const;
  return createTokenVerifier(settings, "acme", { clock });
}

const { privateKey, jwk: first } = await makeKey("RS256", "first");
const { jwk: second } = await makeKey("RS256", "second");
const { kty, n, e } = first;
const CERTIFICATE = { x5c: ["MIIDBTCCAe2gAwIBAgIQ"], x5t: "nOo3ZDrODXEK1jKWhXslHR_KXEg" };

/** Sets with the key of the test's tokens, whose `kid` is `first`. */
const KEY_SETS: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  "Azure AD, without alg and with a certificate and an issuer of its own": [
    {
      kty,
      use: "sig",
      kid: "first",
      n,
      e,
      ...CERTIFICATE,
      issuer: "https://login.microsoftonline.com/{tenantid}/v2.0",
    },
    { kty, use: "sig", kid: "second", n: second.n, e: second.e, ...CERTIFICATE },
  ],
  "Auth0, with a certificate": [{ alg: "RS256", kty, use: "sig", n, e, kid: "first", ...CERTIFICATE }],
  "Okta, with the next key": [
    { kty, alg: "RS256", kid: "first", use: "sig", e, n },
    { kty, alg: "RS256", kid: "second", use: "sig", e: second.e, n: second.n },
  ],
  "Keycloak, with a key for encryption under the same kid": [
    { kid: "first", kty, alg: "RS256", use: "sig", n, e, ...CERTIFICATE, "x5t#S256": "aGFzaA" },
    { kid: "first", kty, alg: "RSA-OAEP", use: "enc", n: second.n, e: second.e, ...CERTIFICATE },
  ],
  "Cognito, with the key of ID tokens": [
    { alg: "RS256", e, kid: "first", kty, n, use: "sig" },
    { alg: "RS256", e: second.e, kid: "second", kty, n: second.n, use: "sig" },
  ],
  "Firebase, which names the use alone": [{ n, kid: "first", e, alg: "RS256", use: "sig", kty }],
  "Clerk, of one key": [{ use: "sig", kty, kid: "first", alg: "RS256", n, e }],
  "an issuer that names operations in place of a use": [{ kty, kid: "first", n, e, key_ops: ["verify"] }],
  "an issuer that also has keys of unknown kinds": [
    { kty: "AKP", alg: "ML-DSA-44", kid: "third", pub: "AA" },
    { kty: "OKP", crv: "X448", kid: "fourth", x: "AA" },
    { kty, kid: "first", n, e },
  ],
};

test.each(Object.entries(KEY_SETS))("verifies a token by the key set of %s", async (_provider, keys) => {
  const server = await serveJwks([]);
  server.answer = { body: { keys } };
  const token = await mint({}, privateKey, { alg: "RS256", kid: "first", typ: "JWT" });
  await expect(verifierOver(server.url)(token)).resolves.toMatchObject({ subject: 123 });
});

test("verifies a token without a kid by a set whose only key has none", async () => {
  const { url } = await serveJwks([{ kty: "RSA", n: n ?? "", e: e ?? "" }]);
  const verify = verifierOver(url);
  await expect(verify(await mint({}, privateKey, { alg: "RS256" }))).resolves.toMatchObject({ subject: 123 });
  await expect(verify(await mint({}, privateKey, { alg: "RS256", kid: "first" }))).rejects.toThrow("kid: expected");
});

const SUBJECT = 'sub: expected a user id in decimal, as text, or "operator", but it is another text';
const NO_CUSTOMER = "customer: expected the customer's id, as text, but the claim is missing";

/** An access or session token of each provider, as it documents it, and the reason in the gateway's log. */
const TOKENS: readonly (readonly [
  provider: string,
  claims: Readonly<Record<string, unknown>>,
  reasons: readonly string[],
])[] = [
  [
    "Azure AD",
    {
      iss: "https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0",
      aud: "6cb04018-a3f5-46a7-b995-940c78f5aef3",
      sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      oid: "00000000-0000-0000-66f3-3332eca7ea81",
      scp: "availability.read",
      ver: "2.0",
    },
    [NO_CUSTOMER, SUBJECT],
  ],
  [
    "Okta",
    {
      iss: "https://acme.okta.com/oauth2/default",
      aud: "api://default",
      sub: "agent@acme.example",
      uid: "00uid4BxXw6I6TV4m0g3",
      cid: "0oabskvc6442nkvQO0h7",
      scp: ["availability:read"],
    },
    [NO_CUSTOMER, SUBJECT],
  ],
  [
    "Auth0",
    {
      iss: "https://acme.eu.auth0.com/",
      aud: ["https://availability.example.com", "https://acme.eu.auth0.com/userinfo"],
      sub: "auth0|5f7c8ec7c33c6c004bbafe82",
      azp: "my_client_id",
      scope: "openid profile availability:read",
    },
    [NO_CUSTOMER, SUBJECT],
  ],
  [
    "Keycloak",
    {
      iss: "https://keycloak.acme.example/realms/acme",
      aud: "account",
      sub: "f1f1b2a5-2d9b-4b1c-8ac0-f6b1b8a4b8b3",
      typ: "Bearer",
      realm_access: { roles: ["agent"] },
      scope: "openid email profile",
    },
    [NO_CUSTOMER, SUBJECT],
  ],
  [
    "Cognito, whose access tokens have no audience",
    {
      iss: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_example",
      aud: undefined,
      sub: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
      client_id: "xxxxxxxxxxxxexample",
      token_use: "access",
      scope: "aws.cognito.signin.user.admin",
    },
    ["aud"],
  ],
  [
    "Firebase",
    {
      iss: "https://securetoken.google.com/acme-desk",
      aud: "acme-desk",
      sub: "kX2dvZ1PzAQs1hVwBqfGxJpU5Yt1",
      user_id: "kX2dvZ1PzAQs1hVwBqfGxJpU5Yt1",
      firebase: { identities: {}, sign_in_provider: "password" },
    },
    [NO_CUSTOMER, SUBJECT],
  ],
  [
    "Clerk, whose session tokens have no audience",
    {
      iss: "https://clerk.acme.example",
      aud: undefined,
      sub: "user_2aBcD",
      azp: "https://crm.acme.example",
      sid: "sess_1",
    },
    ["aud"],
  ],
];

test.each(TOKENS)(
  "names the claims that a token of %s lacks, and none of its values",
  async (_provider, claims, reasons) => {
    const { url } = await serveJwks([first]);
    const issued = { customer: undefined, scope: undefined, iat: NOW_SECONDS, ...claims };
    const token = await mint(issued, privateKey, { alg: "RS256", kid: "first" });
    const audience = [claims["aud"]].flat()[0];
    const expectation = { issuer: String(claims["iss"]), ...(typeof audience === "string" && { audience }) };
    const message = await verifierOver(
      url,
      expectation,
    )(token).then(
      () => "",
      (error: Error) => error.message,
    );
    for (const reason of reasons) expect(message).toContain(reason);
    expect(message).not.toContain(String(claims["sub"]));
  },
);
