import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

test.each([
  [{}],
  [{ GATEWAY_HOST: "0.0.0.0" }],
  [{ GATEWAY_HOST: "10.0.0.1", GATEWAY_ADMIN_HOST: "0.0.0.0" }],
  [{ GATEWAY_HOST: "10.0.0.1", GATEWAY_ADMIN_HOST: "::" }],
])("rejects the same port for both sides with %j", (hosts) => {
  expect(messageFor({ GATEWAY_PORT: "21120", GATEWAY_ADMIN_PORT: "21120", ...hosts })).toBe(
    "GATEWAY_ADMIN_PORT: is the same as GATEWAY_PORT (21120)",
  );
});

test("rejects the port that the gateway has by default", () => {
  expect(messageFor({ GATEWAY_ADMIN_PORT: "4100" })).toBe("GATEWAY_ADMIN_PORT: is the same as GATEWAY_PORT (4100)");
});

test.each([
  [{ GATEWAY_PORT: "0", GATEWAY_ADMIN_PORT: "0" }],
  [{ GATEWAY_PORT: "21120", GATEWAY_ADMIN_PORT: "21121" }],
  [{ GATEWAY_PORT: "21120", GATEWAY_ADMIN_PORT: "21120", GATEWAY_HOST: "10.0.0.1" }],
  [{ GATEWAY_PORT: "21120", GATEWAY_ADMIN_PORT: "21120", GATEWAY_HOST: "::1", GATEWAY_ADMIN_HOST: "0.0.0.0" }],
])("accepts %j", (environment) => {
  expect(readSettings(environment).operation.adminPort).toBe(Number(environment.GATEWAY_ADMIN_PORT));
});
