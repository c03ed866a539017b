import { afterEach, expect, test, vi } from "vitest";
import { BackendResponseError, BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { createWatchWarnings } from "./watch-warnings.ts";

const warn = vi.spyOn(console, "warn").mockReturnValue();

afterEach(() => {
  warn.mockClear();
});

const END = 'See "It does not work" in the documentation.';

const written = (): unknown[] => warn.mock.calls.flat();

test("names data-token-url when the gateway responds with 401, and quotes the gateway's reason", () => {
  const warnings = createWatchWarnings();
  const error = new BackendResponseError(401, { status: 401, detail: "This call needs a valid token" });
  for (let count = 0; count < 2; count += 1) warnings.warnOfRejection(error);
  expect(written()).toEqual([
    "availability-bridge: the gateway rejects the page's agents with status 401: This call needs a valid token. Set" +
      ` data-token-url on the page's script tag, or fetchToken in connect(), and check that it gives a valid token. ${END}`,
  ]);
});

test.each([[null], ["<html>"], [{ detail: 1 }]])("names the rights of the token for 403 with the body %j", (body) => {
  createWatchWarnings().warnOfRejection(new BackendResponseError(403, body));
  expect(written()).toEqual([
    `availability-bridge: the gateway rejects the page's agents with status 403. Ask the vendor for the rights that the page's token needs. ${END}`,
  ]);
});

test.each([
  ["a failure of the gateway", new BackendResponseError(503, {})],
  ["a gateway that cannot be reached", new BridgeRejectionError("BACKEND_UNREACHABLE", "…")],
  ["an abort without a reason", undefined],
])("is silent about %s, which the page cannot mend", (_name, error) => {
  createWatchWarnings().warnOfRejection(error);
  expect(written()).toEqual([]);
});

test("names each agent that the gateway does not have once, up to twenty of them", () => {
  const warnings = createWatchWarnings();
  for (let userId = 1; userId <= 30; userId += 1) {
    warnings.warnOfUnknownAgent(userId);
    warnings.warnOfUnknownAgent(userId);
  }
  expect(written()).toHaveLength(20);
  expect(written()[0]).toBe(
    `availability-bridge: user-id: there is no agent 1 in the telephony system. The id must be the telephony system's, not the CRM's. ${END}`,
  );
});
