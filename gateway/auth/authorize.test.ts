import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Customer, createCustomers } from "../customer.ts";
import { TEST_FILES } from "../test/test-build.ts";
import {
  checkedGateway,
  sampleAvailabilityService,
  throwDefect,
  unusedAvailabilityService,
} from "../test/test-gateway.ts";
import { makeKey, mint, NOW_MS, SECRET_SETTINGS, serveJwks } from "../test/test-tokens.ts";
import type { UnauthorizedCall } from "./authorize.ts";
import type { TokenSettings } from "./token-settings.ts";
import { createTokenVerifier } from "./verify-token.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };

interface Parts {
  readonly anonymousReads?: boolean;
  readonly tokens?: TokenSettings;
  readonly availabilities?: Customer["availabilities"];
}

/** A gateway for the customer `acme`, and what its operator hears of refusals. */
async function gateway({ anonymousReads = false, tokens = SECRET_SETTINGS, availabilities }: Parts = {}) {
  const refusals: UnauthorizedCall[] = [];
  const acme: Customer = {
    id: "acme",
    allowedOrigins: ["https://crm.acme.example"],
    availabilities: availabilities ?? (await sampleAvailabilityService()),
    access: { verify: createTokenVerifier(tokens, "acme", { clock }), anonymousReads },
  };
  const app = checkedGateway({
    customers: createCustomers([acme], "acme"),
    files: TEST_FILES,
    onDefect: throwDefect,
    onUnauthorized: (call) => void refusals.push(call),
  });
  const ask = (path: string, authorization?: string, method = "GET"): Promise<Response> =>
    Promise.resolve(app.request(path, { method, headers: authorization ? { Authorization: authorization } : {} }));
  return { ask, refusals };
}

const READ = "/v1/users/123/availability";

/** All that an asker can see of an answer. */
async function seen(asked: Promise<Response>) {
  const answer = await asked;
  return { status: answer.status, headers: [...answer.headers], body: await answer.text() };
}

test("serves a read to whoever has a token with the scope to read", async () => {
  const { ask, refusals } = await gateway();
  const answer = await ask(READ, `Bearer ${await mint({ scope: "availability:read" })}`);
  expect(answer.status).toBe(200);
  await expect(answer.json()).resolves.toMatchObject({ userId: 123, status: "available" });
  expect(refusals).toEqual([]);
});

test("takes the scheme in any letters, as RFC 9110 has it", async () => {
  const { ask } = await gateway();
  expect((await ask(READ, `bearer ${await mint()}`)).status).toBe(200);
  expect((await ask(READ, `BEARER  ${await mint()}`)).status).toBe(200);
});

test("demands a token where none came, and says of no other fault that there was one", async () => {
  const { ask } = await gateway();
  for (const path of [READ, "/v1/users/404404/availability", "/v1/users/abc/availability", "/v1", "/v1/nothing"]) {
    for (const method of ["GET", "PUT", "POST", "DELETE", "OPTIONS"]) {
      const answer = await ask(path, undefined, method);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="availability-bridge"');
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      await expect(answer.json()).resolves.toEqual({
        type: "about:blank",
        title: "Unauthorized",
        status: 401,
        detail: "This call needs a valid token",
      });
    }
  }
});

test("says to the operator which request brought no token", async () => {
  const { ask, refusals } = await gateway();
  expect((await ask(READ)).status).toBe(401);
  expect((await ask("/c/nobody/v1/users/123/availability")).status).toBe(401);
  expect(refusals).toMatchObject([
    { customer: "acme", reason: "the request has no Authorization header" },
    { customer: undefined, reason: "the request has no Authorization header" },
  ]);
});

test("serves what is no call of the API without a token", async () => {
  const { ask } = await gateway();
  for (const path of ["/healthz", "/widget/", "/embed.js", "/c/acme/widget/", "/c/acme/embed.js"]) {
    expect((await ask(path)).status).toBe(200);
  }
});

test("answers another customer's token, garbage and an address of no customer with the same bytes", async () => {
  const { ask, refusals } = await gateway({ availabilities: unusedAvailabilityService() });
  const good = `Bearer ${await mint()}`;
  const others = `Bearer ${await mint({ customer: "globex" })}`;
  const ended = `Bearer ${await mint({ exp: 1 })}`;
  const answer = await seen(ask(READ, "Bearer garbage"));
  expect(answer.status).toBe(401);
  expect(answer.headers).toContainEqual([
    "www-authenticate",
    'Bearer realm="availability-bridge", error="invalid_token"',
  ]);
  for (const [path, authorization] of [
    [READ, others],
    [READ, ended],
    [READ, `Bearer ${"x".repeat(9000)}`],
    [READ, "Bearer"],
    [READ, "Basic YWdlbnQ6cGFzc3dvcmQ="],
    [READ, good.replace("Bearer ", "")],
    ["/c/acme/v1/users/123/availability", others],
    ["/c/acme/v1/users/404404/availability", others],
    ["/c/globex/v1/users/123/availability", others],
    ["/c/globex/v1/users/123/availability", good],
    ["/c/globex/v1/users/123/availability", "Bearer garbage"],
    ["/c/constructor/v1/users/123/availability", good],
  ] as const) {
    expect(await seen(ask(path, authorization))).toEqual(answer);
  }
  expect(new Set(refusals.map(({ customer }) => customer))).toEqual(new Set(["acme", undefined]));
  expect(refusals.map(({ reason }) => reason)).toContain("The token is another customer's");
  const tokens = [good, others, ended].flatMap((authorization) => authorization.split(/[ .]/).slice(1));
  for (const part of tokens) expect(JSON.stringify(refusals)).not.toContain(part);
});

test("does the same work for an address of no customer as for a customer whose secret the token does not know", async () => {
  const { ask } = await gateway();
  const verifications = vi.spyOn(crypto.subtle, "verify");
  onTestFinished(() => verifications.mockRestore());
  const token = await mint({}, new TextEncoder().encode("a secret that nobody of them has, for sure"));
  await ask("/c/acme/v1/users/123/availability", `Bearer ${token}`);
  await ask("/c/globex/v1/users/123/availability", `Bearer ${token}`);
  expect(verifications).toHaveBeenCalledTimes(2);
  const [known, unknown] = verifications.mock.calls;
  expect(unknown?.[0]).toEqual(known?.[0]);
  expect(unknown?.[2]).toEqual(known?.[2]);
});

test.each([
  ["GET", "", "availability:read"],
  ["HEAD", "availability:write", "availability:read"],
  ["GET", "availability:write", "availability:read"],
  ["PUT", "availability:read", "availability:write"],
  ["PUT", "openid", "availability:write"],
])("answers %s with 403 to a token with the scope %j", async (method, scope, needed) => {
  const { ask, refusals } = await gateway({ availabilities: unusedAvailabilityService() });
  const authorization = `Bearer ${await mint({ scope })}`;
  const answer = await seen(ask(READ, authorization, method));
  expect(answer.status).toBe(403);
  expect(refusals).toMatchObject([{ customer: "acme", reason: `the token does not have the scope ${needed}` }]);
  expect(answer.headers).toContainEqual([
    "www-authenticate",
    `Bearer realm="availability-bridge", error="insufficient_scope", scope="${needed}"`,
  ]);
  expect(await seen(ask("/v1/users/404404/availability", authorization, method))).toEqual(answer);
});

test("lets an agent set nobody else, whether or not there is such a user", async () => {
  const { ask, refusals } = await gateway({ availabilities: unusedAvailabilityService() });
  const agent = `Bearer ${await mint({ sub: "123", scope: "availability:write" })}`;
  const answer = await seen(ask("/v1/users/101/availability", agent, "PUT"));
  expect(answer.status).toBe(403);
  expect(refusals).toMatchObject([
    { customer: "acme", reason: "the token is an agent's, and the address another user's" },
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({ detail: "An agent's token sets that agent's availability alone" });
  for (const id of ["404404", "0123", "123.0", "operator", "undefined", "abc"]) {
    expect(await seen(ask(`/v1/users/${id}/availability`, agent, "PUT"))).toEqual(answer);
  }
});

test("lets an agent set its own without its id, and nobody without a token or without the scope", async () => {
  const { ask } = await gateway();
  const asAgent = async (scope: string) => `Bearer ${await mint({ sub: "123", scope })}`;
  const OWN = "/v1/users/me/availability";
  expect([401, 403]).not.toContain((await ask(OWN, await asAgent("availability:write"), "PUT")).status);
  expect((await ask(OWN, await asAgent("availability:read"), "PUT")).status).toBe(403);
  expect((await ask(OWN, undefined, "PUT")).status).toBe(401);
});

test("lets an agent set that agent, and an operator anybody", async () => {
  const { ask } = await gateway();
  const agent = `Bearer ${await mint({ sub: "123", scope: "availability:write" })}`;
  const operator = `Bearer ${await mint({ sub: "operator", scope: "availability:write" })}`;
  for (const [id, authorization] of [
    ["123", agent],
    ["123", operator],
    ["101", operator],
  ] as const) {
    expect([401, 403]).not.toContain((await ask(`/v1/users/${id}/availability`, authorization, "PUT")).status);
  }
});

test("serves a read without a token where nothing is configured, and holds a token that is there to its word", async () => {
  const { ask } = await gateway({ anonymousReads: true });
  expect((await ask(READ)).status).toBe(200);
  expect((await ask(READ, `Bearer ${await mint()}`)).status).toBe(200);
  expect((await ask(READ, "Bearer garbage")).status).toBe(401);
  expect((await ask(READ, "Basic YWdlbnQ6cGFzc3dvcmQ=")).status).toBe(401);
  expect((await ask(READ, `Bearer ${await mint({ scope: "" })}`)).status).toBe(403);
});

test("demands a token for every change, even where reads are for everybody", async () => {
  const { ask } = await gateway({ anonymousReads: true, availabilities: unusedAvailabilityService() });
  const answer = await ask(READ, undefined, "PUT");
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="availability-bridge"');
});

test("answers 503 while the customer's keys cannot be fetched, and says why to the operator alone", async () => {
  const { privateKey, jwk } = await makeKey("ES256", "first");
  const keySet = await serveJwks([jwk]);
  keySet.answer = { status: 500, body: "SECRETIVE" };
  const { secret: _secret, ...shared } = { secret: "", ...SECRET_SETTINGS };
  const { ask, refusals } = await gateway({ tokens: { ...shared, algorithm: "ES256", jwksUrl: keySet.url } });
  const answer = await ask(READ, `Bearer ${await mint({}, privateKey, { alg: "ES256", kid: "first" })}`);
  expect(answer.status).toBe(503);
  expect(answer.headers.get("Retry-After")).toBe("2");
  expect(answer.headers.has("WWW-Authenticate")).toBe(false);
  await expect(answer.json()).resolves.toMatchObject({ detail: "Tokens cannot be verified at the moment" });
  expect(refusals).toMatchObject([
    { customer: "acme", reason: `The key set at ${keySet.url} gave no key: status 500` },
  ]);
});

test("answers any Authorization header that nobody has signed with 401", async () => {
  const { ask } = await gateway({ anonymousReads: true, availabilities: unusedAvailabilityService() });
  const printable = fc.string({ unit: "grapheme-ascii", minLength: 1 }).filter((text) => text.trim() !== "");
  const jwt = fc.array(
    fc.base64String().map((text) => text.replaceAll(/[+/=]/g, "_")),
    { minLength: 3, maxLength: 3 },
  );
  const headers = fc.oneof(
    printable,
    printable.map((text) => `Bearer ${text}`),
    jwt.map((parts) => `Bearer ${parts.join(".")}`),
  );
  await fc.assert(
    fc.asyncProperty(headers, async (header) => {
      expect((await ask(READ, header)).status).toBe(401);
    }),
    { numRuns: 300 },
  );
});
