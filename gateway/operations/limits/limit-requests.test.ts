import { expect, test } from "vitest";
import { startObservedGateway } from "../../test/observed-gateway.ts";
import { sampleAvailabilityService } from "../../test/test-gateway.ts";
import { CLAIMS, mint } from "../../test/test-tokens.ts";

const PATH = "/v1/users/123/availability";

async function setUp() {
  const gateway = await startObservedGateway({
    services: { acme: await sampleAvailabilityService() },
    tokens: [await mint()],
  });
  /** Sends a request 150 times, and counts the statuses. */
  const repeat = async (authorization: string | undefined, path = PATH) => {
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const counts: Record<number, number> = {};
    for (let count = 0; count < 150; count += 1) {
      const { status = 0 } = await gateway.send({ path, headers });
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  };
  return { ...gateway, repeat };
}

test.each([
  ["without a token", undefined, 401],
  ["with a forged token", "Bearer a.b.c", 401],
  ["of another customer", mint({ customer: "globex" }), 401],
  ["without the scope", mint({ scope: "availability:write" }), 403],
])(
  "rejects with 429, and does not log, requests %s after a hundred from one address",
  async (_which, token, status) => {
    const { repeat, send, unauthorized } = await setUp();
    const given = await token;
    const counts = await repeat(given?.startsWith("Bearer") ? given : given && `Bearer ${given}`);
    expect(counts[429]).toBeGreaterThan(0);
    expect((counts[429] ?? 0) + (counts[status] ?? 0)).toBe(150);
    expect(unauthorized).toHaveLength(counts[status] ?? 0);
    const good = await send({ path: PATH, headers: { Authorization: `Bearer ${await mint()}` } });
    expect(good.status).toBe(200);
  },
);

test("says how long to wait", async () => {
  const { repeat, send } = await setUp();
  await repeat(undefined);
  let rejection = await send({ path: PATH });
  while (rejection.status !== 429) rejection = await send({ path: PATH });
  expect(rejection.headers["retry-after"]).toBe("1");
  expect(JSON.parse(rejection.body)).toMatchObject({
    detail: "At most 600 requests a minute with a bad token or secret are allowed from one address, at each gateway",
  });
});

test("counts no token that has expired: all pages of an office may come with one at the same time", async () => {
  const { repeat } = await setUp();
  expect(await repeat(`Bearer ${await mint({ exp: CLAIMS.exp - 7200 })}`)).toEqual({ 401: 150 });
});

test("limits alike where there is no such customer", async () => {
  const { repeat } = await setUp();
  const { 401: refused = 0, 429: limited = 0 } = await repeat("Bearer a.b.c", "/c/nobody/v1/availabilities");
  expect(refused + limited).toBe(150);
  expect(limited).toBeGreaterThan(0);
});
