import { expect, test, vi } from "vitest";
import { type CoreOptions, createCore } from "./core.ts";
import type { CallScope, GatewayClient } from "./gateway-client.ts";

test("reads a user again whose wrap-up time has run down, until the page goes that watches the user", async () => {
  const scopes: CallScope[] = [];
  const unasked = () => Promise.reject(new Error("Nobody asks for this here"));
  const gateway: GatewayClient = {
    statistics: { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 },
    fetchAvailability(userId, scope) {
      scopes.push(scope);
      return Promise.reject(new Error(`User ${userId} cannot be read`));
    },
    fetchAvailabilities: unasked,
    updateOwnAvailability: unasked,
    follow: unasked,
    prove: unasked,
    lend: unasked,
    goBy() {},
  };
  const loadLive = vi.fn<CoreOptions["loadLive"]>(unasked);
  const core = createCore({
    post: unasked,
    pageOrigin: () => undefined,
    createGateway: () => gateway,
    loadLive,
    onDefect() {},
  });
  await core.dispatch({ type: "BUS.INIT", payload: { services: ["USER"] } });
  const [, live] = loadLive.mock.calls[0] ?? [];
  live?.readAgain(1);
  core.leave();
  live?.readAgain(1);
  expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});
