import { expect, test, vi } from "vitest";
import type { CallOptions, GatewayClient } from "./gateway/gateway-client.ts";
import { failUnexpectedCall, unusedGateway } from "./test/test-gateway-client.ts";
import { createWidget, type WidgetOptions } from "./widget.ts";

test("reads a user again whose wrap-up time has run down, until the page goes that watches the user", async () => {
  const scopes: CallOptions[] = [];
  const gateway: GatewayClient = {
    ...unusedGateway,
    fetchAvailability(userId, scope) {
      scopes.push(scope);
      return Promise.reject(new Error(`User ${userId} cannot be read`));
    },
  };
  const loadLive = vi.fn<WidgetOptions["loadLive"]>(failUnexpectedCall);
  const core = createWidget({
    post: failUnexpectedCall,
    pageOrigin: () => undefined,
    createGateway: () => gateway,
    loadLive,
    reloadDocument() {},
    onIdentityChanged() {},
    onDefect() {},
  });
  await core.dispatch({ type: "BUS.INIT", payload: { services: ["USER"] } });
  const [, live] = loadLive.mock.calls[0] ?? [];
  live?.refetchUser(1);
  core.reset();
  live?.refetchUser(1);
  expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});
