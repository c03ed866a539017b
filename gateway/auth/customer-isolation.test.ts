/** Calls of every route with a token of another customer. */
import { expect, test } from "vitest";
import { createCustomers } from "../customer.ts";
import { TEST_FILES } from "../test/test-build.ts";
import {
  checkedGateway,
  sampleAvailabilityService,
  throwDefect,
  unusedAvailabilityService,
} from "../test/test-gateway.ts";
import { mint, NOW_MS, SECRET_SETTINGS } from "../test/test-tokens.ts";
import { createTokenVerifier } from "./verify-token.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };

/** Two customers with a common issuer and secret, so that only the claim distinguishes the tokens. */
async function gatewayForTwo() {
  const customers = [
    { id: "acme", availabilities: unusedAvailabilityService() },
    { id: "globex", availabilities: await sampleAvailabilityService() },
  ].map((customer) => ({
    ...customer,
    allowedOrigins: [`https://crm.${customer.id}.example`],
    access: { verify: createTokenVerifier(SECRET_SETTINGS, customer.id, { clock }), anonymousReads: false },
  }));
  return checkedGateway({
    customers: createCustomers(customers, "acme"),
    files: TEST_FILES,
    onDefect: throwDefect,
  });
}

const app = await gatewayForTwo();
const globexToken = await mint({ customer: "globex", sub: "operator" });

function send(method: string, path: string): Promise<Response> {
  const headers = { Authorization: `Bearer ${globexToken}`, "Content-Type": "application/json" };
  return Promise.resolve(
    app.request(path, { method, headers, ...(method === "PUT" && { body: '{"status":"on_a_break"}' }) }),
  );
}

/** Calls in need of a token. The responses to an allowed call have separate tests. */
const CALLS = [
  ["the read of one user", "GET", "/v1/users/123/availability"],
  ["the read of many users", "GET", "/v1/availabilities?userIds=101,123"],
  ["the list of all users", "GET", "/v1/availabilities"],
  ["the stream", "GET", "/v1/availabilities/stream"],
  ["the change of a user", "PUT", "/v1/users/123/availability"],
] as const;

test.each(CALLS)("rejects a token of another customer in %s", async (_call, method, path) => {
  for (const address of [path, `/c/acme${path}`]) {
    const response = await send(method, address);
    expect(response.status).toBe(401);
    await expect(response.json()).resolves.toMatchObject({ detail: "This call needs a valid token" });
  }
  // HEAD is authorized like GET and also ends for the stream.
  const own = await send(method === "GET" ? "HEAD" : method, `/c/globex${path}`);
  expect(own.status).toBe(200);
});

test("has no route that accepts a token of another customer", async () => {
  const paths = app.routes.filter(({ path }) => path.includes("/v1")).map(({ path }) => path);
  expect(paths).toContain("/v1/users/:userId/availability");
  expect(paths).toContain("/c/:customer/v1/users/:userId/availability");
  for (const path of new Set(paths)) {
    const address = path.replace(":customer", "acme").replace(":userId", "123").replace("*", "anything");
    for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]) {
      const { status } = await send(method, address);
      // A telephony system sends a secret in the body, which is missing here.
      const own = method === "POST" ? 401 : 405;
      expect(status).toBe(path.endsWith("/v1/upstream/webhook") ? own : 401);
    }
  }
});
