import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
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

/** A gateway for the customer `acme`, and the rejected requests reported to the operator. */
async function gateway({ anonymousReads = false, tokens = SECRET_SETTINGS, availabilities }: Parts = {}) {
  const rejections: UnauthorizedCall[] = [];
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
    onUnauthorized: (call) => void rejections.push(call),
  });
  const send = (path: string, authorization?: string, method = "GET"): Promise<Response> =>
    Promise.resolve(app.request(path, { method, headers: authorization ? { Authorization: authorization } : {} }));
  return { send, rejections };
}

const READ = "/v1/users/123/availability";

/** Status, headers and body of a response. */
async function seen(pending: Promise<Response>) {
  const response = await pending;
  return { status: response.status, headers: [...response.headers], body: await response.text() };
}

test("serves a read to a token with the scope to read", async () => {
  const { send, rejections } = await gateway();
  const response = await send(READ, `Bearer ${await mint({ scope: "availability:read" })}`);
  expect(response.status).toBe(200);
  await expect(response.json()).resolves.toMatchObject({ userId: 123, status: "available" });
  expect(rejections).toEqual([]);
});

test("accepts the scheme in upper or lower case, as RFC 9110 requires", async () => {
  const { send } = await gateway();
  expect((await send(READ, `bearer ${await mint()}`)).status).toBe(200);
  expect((await send(READ, `BEARER  ${await mint()}`)).status).toBe(200);
});

test("demands a missing token, and reveals no other fault of the request", async () => {
  const { send } = await gateway();
  for (const path of [READ, "/v1/users/404404/availability", "/v1/users/abc/availability", "/v1", "/v1/nothing"]) {
    for (const method of ["GET", "PUT", "POST", "DELETE", "OPTIONS"]) {
      const response = await send(path, undefined, method);
      expect(response.status).toBe(401);
      expect(response.headers.get("WWW-Authenticate")).toBe('Bearer realm="availability-bridge"');
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      await expect(response.json()).resolves.toEqual({
        type: "about:blank",
        title: "Unauthorized",
        status: 401,
        detail: "This call needs a valid token",
      });
    }
  }
});

test("reports a request without a token to the operator", async () => {
  const { send, rejections } = await gateway();
  expect((await send(READ)).status).toBe(401);
  expect((await send("/c/nobody/v1/users/123/availability")).status).toBe(401);
  expect(rejections).toMatchObject([
    { customer: "acme", reason: "the request has no Authorization header" },
    { customer: undefined, reason: "the request has no Authorization header" },
  ]);
});

test("serves paths outside the API without a token", async () => {
  const { send } = await gateway();
  for (const path of ["/healthz", "/widget/", "/embed.js", "/c/acme/widget/", "/c/acme/embed.js"]) {
    expect((await send(path)).status).toBe(200);
  }
});

test("sends the same bytes for another customer's token, garbage and an unknown customer", async () => {
  const { send, rejections } = await gateway({ availabilities: unusedAvailabilityService() });
  const good = `Bearer ${await mint()}`;
  const others = `Bearer ${await mint({ customer: "globex" })}`;
  const ended = `Bearer ${await mint({ exp: 1 })}`;
  const response = await seen(send(READ, "Bearer garbage"));
  expect(response.status).toBe(401);
  expect(response.headers).toContainEqual([
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
    expect(await seen(send(path, authorization))).toEqual(response);
  }
  expect(new Set(rejections.map(({ customer }) => customer))).toEqual(new Set(["acme", undefined]));
  expect(rejections.map(({ reason }) => reason)).toContain("The token belongs to another customer");
  const tokens = [good, others, ended].flatMap((authorization) => authorization.split(/[ .]/).slice(1));
  for (const part of tokens) expect(JSON.stringify(rejections)).not.toContain(part);
});

test("does the same work for an unknown customer as for a customer with another secret", async () => {
  const { send } = await gateway();
  const verifications = vi.spyOn(crypto.subtle, "verify");
  onTestFinished(() => verifications.mockRestore());
  const token = await mint({}, new TextEncoder().encode("a secret that no customer of the test has"));
  await send("/c/acme/v1/users/123/availability", `Bearer ${token}`);
  await send("/c/globex/v1/users/123/availability", `Bearer ${token}`);
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
])("responds to %s with 403 for a token with the scope %j", async (method, scope, needed) => {
  const { send, rejections } = await gateway({ availabilities: unusedAvailabilityService() });
  const authorization = `Bearer ${await mint({ scope })}`;
  const response = await seen(send(READ, authorization, method));
  expect(response.status).toBe(403);
  expect(rejections).toMatchObject([{ customer: "acme", reason: `the token does not have the scope ${needed}` }]);
  expect(response.headers).toContainEqual([
    "www-authenticate",
    `Bearer realm="availability-bridge", error="insufficient_scope", scope="${needed}"`,
  ]);
  expect(await seen(send("/v1/users/404404/availability", authorization, method))).toEqual(response);
});

test.each([
  ["of Okta", ["availability:read"]],
  ["of Azure", "availability:read"],
])(
  "says to the operator that a token %s has its scopes in scp, which the gateway does not read",
  async (_what, scp) => {
    const { send, rejections } = await gateway();
    const authorization = `Bearer ${await mint({ scope: undefined, scp })}`;
    expect((await send(READ, authorization)).status).toBe(403);
    expect(rejections).toMatchObject([
      {
        reason:
          "the token does not have the scope availability:read: it has the claim scp, and the gateway reads scope",
      },
    ]);
  },
);

test("lets an agent set no other user, existing or not", async () => {
  const { send, rejections } = await gateway({ availabilities: unusedAvailabilityService() });
  const agent = `Bearer ${await mint({ sub: "123", scope: "availability:write" })}`;
  const response = await seen(send("/v1/users/101/availability", agent, "PUT"));
  expect(response.status).toBe(403);
  expect(rejections).toMatchObject([
    { customer: "acme", reason: "the token is an agent's, and the address another user's" },
  ]);
  expect(JSON.parse(response.body)).toMatchObject({ detail: "An agent's token sets that agent's availability alone" });
  for (const id of ["404404", "0123", "123.0", "operator", "undefined", "abc"]) {
    expect(await seen(send(`/v1/users/${id}/availability`, agent, "PUT"))).toEqual(response);
  }
});

test("lets an agent set its own user as me, only with a token and the scope", async () => {
  const { send } = await gateway();
  const asAgent = async (scope: string) => `Bearer ${await mint({ sub: "123", scope })}`;
  const OWN = "/v1/users/me/availability";
  expect([401, 403]).not.toContain((await send(OWN, await asAgent("availability:write"), "PUT")).status);
  expect((await send(OWN, await asAgent("availability:read"), "PUT")).status).toBe(403);
  expect((await send(OWN, undefined, "PUT")).status).toBe(401);
});

test("lets an agent set its own user, and an operator every user", async () => {
  const { send } = await gateway();
  const agent = `Bearer ${await mint({ sub: "123", scope: "availability:write" })}`;
  const operator = `Bearer ${await mint({ sub: "operator", scope: "availability:write" })}`;
  for (const [id, authorization] of [
    ["123", agent],
    ["123", operator],
    ["101", operator],
  ] as const) {
    expect([401, 403]).not.toContain((await send(`/v1/users/${id}/availability`, authorization, "PUT")).status);
  }
});

test("serves anonymous reads if allowed, and still verifies a token that is sent", async () => {
  const { send } = await gateway({ anonymousReads: true });
  expect((await send(READ)).status).toBe(200);
  expect((await send(READ, `Bearer ${await mint()}`)).status).toBe(200);
  expect((await send(READ, "Bearer garbage")).status).toBe(401);
  expect((await send(READ, "Basic YWdlbnQ6cGFzc3dvcmQ=")).status).toBe(401);
  expect((await send(READ, `Bearer ${await mint({ scope: "" })}`)).status).toBe(403);
});

test("demands a token for every change, even if anonymous reads are allowed", async () => {
  const { send } = await gateway({ anonymousReads: true, availabilities: unusedAvailabilityService() });
  const response = await send(READ, undefined, "PUT");
  expect(response.status).toBe(401);
  expect(response.headers.get("WWW-Authenticate")).toBe('Bearer realm="availability-bridge"');
});

test("responds with 503 while the customer's keys are unavailable, and tells only the operator why", async () => {
  const { privateKey, jwk } = await makeKey("ES256", "first");
  const keySet = await serveJwks([jwk]);
  keySet.answer = { status: 500, body: "SECRETIVE" };
  const { secret: _secret, ...shared } = { secret: "", ...SECRET_SETTINGS };
  const { send, rejections } = await gateway({ tokens: { ...shared, algorithm: "ES256", jwksUrl: keySet.url } });
  const response = await send(READ, `Bearer ${await mint({}, privateKey, { alg: "ES256", kid: "first" })}`);
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toBe("2");
  expect(response.headers.has("WWW-Authenticate")).toBe(false);
  await expect(response.json()).resolves.toMatchObject({ detail: "Tokens cannot be verified at the moment" });
  expect(rejections).toMatchObject([
    { customer: "acme", reason: `The key set at ${keySet.url} returned no key: status 500` },
  ]);
});

test("responds with 401 to any unsigned Authorization header", async () => {
  const { send } = await gateway({ anonymousReads: true, availabilities: unusedAvailabilityService() });
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
      expect((await send(READ, header)).status).toBe(401);
    }),
    { numRuns: scaleRuns(300) },
  );
});
