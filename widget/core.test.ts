import { expect, test, vi } from "vitest";
import { type CoreOptions, createCore } from "./core.ts";
import type { CallScope, GatewayClient } from "./gateway/gateway-client.ts";
import { unasked, unaskedGateway } from "./test/test-gateway-client.ts";

test("reads a user again whose wrap-up time has run down, until the page goes that watches the user", async () => {
  const scopes: CallScope[] = [];
  const gateway: GatewayClient = {
    ...unaskedGateway,
    fetchAvailability(userId, scope) {
      scopes.push(scope);
      return Promise.reject(new Error(`User ${userId} cannot be read`));
    },
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
  live?.refetchUser(1);
  core.leave();
  live?.refetchUser(1);
  expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});
