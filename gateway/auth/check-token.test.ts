import { expect, test } from "vitest";
import { makeKey, mint, NOW_MS, NOW_SECONDS, SECRET_SETTINGS, serveJwks } from "../test/test-tokens.ts";
import { checkToken, TokenCheckError } from "./check-token.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };
const ACME = { id: "acme", tokens: SECRET_SETTINGS };
const GLOBEX = { id: "globex", tokens: { ...SECRET_SETTINGS, issuer: "https://login.globex.example" } };

const check = (token: string, customers = [ACME, GLOBEX]) => checkToken(token, customers, { clock });

/** Resolves with the reason for which a token is rejected. */
async function reasonOf(token: string, customers = [ACME, GLOBEX]): Promise<string> {
  const error: unknown = await check(token, customers).catch((thrown: unknown) => thrown);
  if (!(error instanceof TokenCheckError)) throw new Error("The token was accepted");
  return error.message;
}

test("says for which customer a token holds, its subject, its scopes and its end", async () => {
  const token = await mint();
  const lines = [
    "The token is accepted",
    "customer: acme",
    "subject: 123",
    "scopes: availability:read availability:write",
    // With the leeway of 30 s.
    `until: ${new Date((NOW_SECONDS + 630) * 1000).toISOString()}`,
  ];
  expect(await check(token)).toBe(lines.join("\n"));
  // As programs write it, and as a header has it.
  expect(await check(`${token}\n`)).toBe(lines.join("\n"));
  expect(await check(`Bearer ${token}\r\n`)).toBe(lines.join("\n"));
  const globex = await mint({ customer: "globex", iss: "https://login.globex.example", sub: "operator" });
  expect(await check(globex)).toMatch(/^customer: globex\nsubject: operator$/m);
});

test.each([
  [
    { scope: undefined, scp: "x" },
    "scopes: none that the gateway knows: it has the claim scp, and the gateway reads scope",
  ],
  [{ scope: "openid" }, "scopes: none that the gateway knows"],
])("says of the claims %j that they have no scope of the gateway", async (claims, line) => {
  expect((await check(await mint(claims))).split("\n")).toContain(line);
});

test.each([
  [
    { exp: NOW_SECONDS - 72 },
    "For the customer acme: The token is rejected: exp: expected a time that is yet to come, but it was 72 seconds ago",
  ],
  [
    { iss: "secretive" },
    'For the customer acme: The token is rejected: iss: expected "https://login.acme.example", but it is another text',
  ],
  [
    { sub: 123 },
    'For the customer acme: The token\'s claims are not as expected: sub: expected a user id in decimal, as text, or "operator", but it is of the type number',
  ],
  [
    { customer: "secretive" },
    "The token is rejected for each customer: customer: expected the id of a customer in the settings",
  ],
])("says in the words of the log why a token with %j is rejected", async (claims, reason) => {
  const message = await reasonOf(await mint(claims));
  expect(message).toBe(reason);
  expect(message).not.toMatch(/secretive|eyJ/);
});

test("checks a token that names no customer by the rules of the only one", async () => {
  expect(await reasonOf(await mint({ customer: undefined }), [ACME])).toMatch(
    /^For the customer acme: .*customer: expected the customer's id, as text/,
  );
  expect(await reasonOf("secretive", [ACME])).toMatch(/^For the customer acme: The token is rejected: /);
  expect(await reasonOf("secretive")).not.toContain("secretive");
  expect(await reasonOf(" \n")).toBe("expected a token on standard input");
});

test("fetches the key set of the token's customer, and says if it cannot", async () => {
  const { privateKey, jwk } = await makeKey("ES256", "first");
  const { url, requests, close } = await serveJwks([jwk]);
  const { issuer, audience, leewaySeconds, maxLifetimeSeconds } = SECRET_SETTINGS;
  const tokens = { algorithm: "ES256", issuer, audience, leewaySeconds, maxLifetimeSeconds, jwksUrl: url } as const;
  const customers = [{ id: "acme", tokens }, GLOBEX];
  const token = await mint({}, privateKey, { alg: "ES256", kid: "first" });
  await expect(checkToken(token, customers, { clock })).resolves.toMatch(/^customer: acme$/m);
  expect(requests()).toBe(1);
  await close();
  await expect(checkToken(token, customers, { clock })).rejects.toThrow(/^For the customer acme: The key set at http/);
});
