import { expect, test } from "vitest";
import { createTokenVerifier } from "../../gateway/auth/verify-token.ts";
import { readSettings } from "../../gateway/settings/settings.ts";
import { mintDemoToken } from "./demo-token.mjs";

const SECRET = "0123456789abcdef0123456789abcdef";

test("is a token that the gateway accepts for five minutes, for agent 123 of its only customer", async () => {
  const [customer] = readSettings({ DEMO_TOKEN_SECRET: SECRET }).customers;
  if (!customer) throw new Error("The gateway has no customer");
  let wallMs = Date.now();
  const clock = { wallMs: () => wallMs, monotonicMs: () => wallMs };
  const verify = createTokenVerifier(customer.tokens, customer.id, { clock });
  const token = await mintDemoToken(SECRET);
  const caller = await verify(token);
  expect(caller).toMatchObject({ subject: 123, scopes: new Set(["availability:read", "availability:write"]) });
  wallMs = caller.endsAtMs;
  await expect(verify(token)).rejects.toThrow("exp: expected a time that is yet to come");
  expect(caller.endsAtMs - Date.now()).toBeLessThanOrEqual(330_000);
});

test("is a token for the operator on request", async () => {
  const [customer] = readSettings({ DEMO_TOKEN_SECRET: SECRET }).customers;
  if (!customer) throw new Error("The gateway has no customer");
  const wallMs = (): number => Date.now();
  const verify = createTokenVerifier(customer.tokens, customer.id, { clock: { wallMs, monotonicMs: wallMs } });
  expect(await verify(await mintDemoToken(SECRET, "operator"))).toMatchObject({ subject: "operator" });
});
