import { describe, expect, test, vi } from "vitest";
import { createAvailabilityService } from "../availability-service.ts";
import { UNLIMITED } from "../settings/customer-settings.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { startObservedGateway, type TestRequest } from "../test/observed-gateway.ts";
import { mint, NOW_MS } from "../test/test-tokens.ts";
import { memoryUpstream } from "../upstream/memory-upstream.ts";
import { UpstreamError } from "../upstream/upstream.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const OPERATOR = { sub: "operator" };

/** A change of the agent 123 to `other`. */
interface TestChange {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function openService(isRejected: boolean) {
  const store = createMemoryStore({ clock }).forCustomer("acme");
  await store.set(123, { status: "available" });
  await store.set(124, { status: "in_call" });
  const setStatus = () => Promise.reject(new UpstreamError("Rejected", { status: 405, body: {} }));
  const upstream = isRejected ? { ...memoryUpstream, allowsNewUsers: false, setStatus } : memoryUpstream;
  const service = createAvailabilityService({ store, upstream, staleLimitSeconds: 60, clock });
  await service.open(new AbortController().signal);
  return service;
}

/** Starts a gateway, which makes changes by its fast path or by its app, and returns the records of one change. */
async function auditsOf(cachesTokens: boolean, { claims = {}, path, body, headers }: TestChange, isRejected = false) {
  const token = await mint(claims);
  const services = { acme: await openService(isRejected) };
  const gateway = await startObservedGateway({ services, tokens: [token], cachesTokens, limits: UNLIMITED });
  const request: TestRequest = {
    method: "PUT",
    path: path ?? "/v1/users/123/availability",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "X-Request-Id": "r1",
      traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
      ...headers,
    },
    body: body ?? '{"status":"other"}',
  };
  const { status } = await gateway.send(request);
  await vi.waitFor(() => expect(gateway.records).toHaveLength(1));
  return { audits: gateway.audits, status };
}

const WHO = { requestId: "r1", traceId: TRACE_ID, customer: "acme", subject: 123, userId: 123 };

describe.each([
  ["the fast path", true],
  ["the app", false],
])("by %s", (_name, cachesTokens) => {
  test("logs who has set which agent from which status to which", async () => {
    const { audits } = await auditsOf(cachesTokens, { headers: { Origin: "https://widget.acme.example" } });
    expect(audits).toEqual([
      {
        ...WHO,
        from: "available",
        requested: "other",
        to: "other",
        status: 200,
        version: expect.any(Number),
        clientKind: "browser",
      },
    ]);
  });

  test("names the agent of a change at `me`, and the operator", async () => {
    const own = await auditsOf(cachesTokens, { path: "/v1/users/me/availability" });
    expect(own.audits).toMatchObject([{ subject: 123, userId: 123, clientKind: "program" }]);
    const { audits } = await auditsOf(cachesTokens, { claims: OPERATOR, path: "/v1/users/124/availability" });
    expect(audits).toMatchObject([{ subject: "operator", userId: 124, from: "in_call", to: "other" }]);
  });

  test("logs a new agent, who had no status", async () => {
    const { audits } = await auditsOf(cachesTokens, { claims: OPERATOR, path: "/v1/users/9/availability" });
    expect(audits).toMatchObject([{ userId: 9, from: undefined, requested: "other", to: "other", status: 201 }]);
  });

  test.each<[string, TestChange, object]>([
    ["another agent", { path: "/v1/users/124/availability" }, { userId: 124, status: 403 }],
    ["a token without the scope", { claims: { scope: "availability:read" } }, { userId: 123, status: 403 }],
    ["another version", { headers: { "If-Match": '"1"' } }, { from: "available", requested: "other", status: 412 }],
    [
      "an unknown agent",
      { claims: OPERATOR, path: "/v1/users/9/availability", headers: { "If-Match": "*" } },
      { status: 404 },
    ],
    ["an unknown status", { body: '{"status":"secret"}' }, { userId: 123, requested: undefined, status: 422 }],
    ["no user id", { claims: OPERATOR, path: "/v1/users/01/availability" }, { userId: undefined, status: 400 }],
  ])("logs a change that was rejected for %s", async (_reason, change, expected) => {
    const { audits, status } = await auditsOf(cachesTokens, change);
    expect(audits).toMatchObject([{ customer: "acme", requestId: "r1", ...expected }]);
    expect(audits[0]).toMatchObject({ to: undefined, version: undefined, status });
  });
});

test("logs a change that the telephony system rejects", async () => {
  const { audits } = await auditsOf(true, {}, true);
  expect(audits).toMatchObject([{ ...WHO, from: "available", requested: "other", to: undefined, status: 405 }]);
});

test("logs no change of a client without a valid token: nobody is known to have asked", async () => {
  const { audits, status } = await auditsOf(false, { headers: { Authorization: "Bearer a.b.c" } });
  expect([status, audits]).toEqual([401, []]);
});

test("has nothing of a token or a body but the subject and a known status", async () => {
  const { audits } = await auditsOf(true, { body: '{"status":"payload-secret"}' });
  expect(JSON.stringify(audits)).not.toMatch(/payload|Bearer|eyJ/);
});
