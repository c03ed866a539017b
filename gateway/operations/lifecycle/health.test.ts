import { expect, test } from "vitest";
import { createReadinessRoutes } from "./health.ts";
import { CHECKS, type Check } from "./readiness.ts";

/** Requests `/readyz` of a gateway with failing checks. */
async function readyz(query: string, failing: readonly Check[]) {
  const check = (checks: readonly Check[] = CHECKS) => checks.filter((name) => failing.includes(name));
  const response = await createReadinessRoutes({ check }).request(`/readyz${query}`);
  const body: unknown = await response.json();
  return { status: response.status, body };
}

test.each([
  ["", ["upstreams"], 200],
  ["", ["store"], 503],
  ["?include=upstreams", ["upstreams"], 503],
  ["?include=store&include=upstreams", [], 200],
  // The address that load balancers used while the upstreams were part of the default.
  ["?exclude=upstreams", ["upstreams"], 200],
  ["?exclude=upstreams", ["store"], 503],
  ["?exclude=store", ["store", "upstreams"], 200],
  ["?include=upstreams&exclude=store", ["store", "upstreams"], 503],
] as const)("/readyz%s responds while %j fail with %d", async (query, failing, status) => {
  expect((await readyz(query, failing)).status).toBe(status);
});

test("names the reasons", async () => {
  expect(await readyz("?include=upstreams", CHECKS)).toMatchObject({
    body: {
      detail:
        "The gateway is not ready: its store cannot be reached, and its data of a telephony system is missing or too old",
    },
  });
});

test.each(["?include=upstream", "?exclude=redis", "?include="])("rejects the unknown check of %s", async (query) => {
  expect(await readyz(query, [])).toMatchObject({
    status: 400,
    body: {
      detail: expect.stringMatching(/^include and exclude: expected store or upstreams, got "(upstream|redis|)"$/),
    },
  });
});
