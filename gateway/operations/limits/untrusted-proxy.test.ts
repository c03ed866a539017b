import { expect, test } from "vitest";
import { startObservedGateway } from "../../test/observed-gateway.ts";
import { sampleAvailabilityService } from "../../test/test-gateway.ts";

async function setUp(trustedProxies: readonly string[]) {
  const services = { acme: await sampleAvailabilityService() };
  return startObservedGateway({ services, tokens: [], trustedProxies });
}

const FORWARDED = { path: "/healthz", headers: { "X-Forwarded-For": "203.0.113.9" } };

test.each([{ proxies: [] }, { proxies: ["192.0.2.0/24"] }])(
  "warns once of an X-Forwarded-For from 127.0.0.1 if the trusted proxies are $proxies",
  async ({ proxies }) => {
    const { send, warnings } = await setUp(proxies);
    await send({ path: "/healthz" });
    expect(warnings).toEqual([]);
    await send(FORWARDED);
    await send(FORWARDED);
    expect(warnings).toEqual([expect.stringMatching(/^A request has an X-Forwarded-For .* TRUSTED_PROXIES$/)]);
    expect(warnings.join()).not.toMatch(/127\.0\.0\.1|203\.0\.113/);
  },
);

test("warns of no trusted proxy", async () => {
  const { send, warnings } = await setUp(["127.0.0.1"]);
  await send(FORWARDED);
  expect(warnings).toEqual([]);
});
