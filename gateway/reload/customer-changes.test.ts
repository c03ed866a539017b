import * as v from "valibot";
import { expect, test } from "vitest";
import { CustomerSettings } from "../settings/customer-settings.ts";
import { compareCustomers, describeCustomerChanges } from "./customer-changes.ts";

function customer(id: string, parts: Readonly<Record<string, unknown>> = {}) {
  const tokens = { algorithm: "HS256", issuer: id, audience: "gateway", secret: "s".repeat(32) };
  return v.parse(CustomerSettings, { id, allowedOrigins: ["https://crm.example"], tokens, ...parts });
}

const AIRCALL = { kind: "aircall", apiId: "id", apiToken: "token" };

test("finds the added, removed and changed customers, with the names of the changed settings", () => {
  const before = [
    customer("same", { upstream: AIRCALL }),
    customer("gone"),
    customer("limits"),
    customer("address", { upstream: AIRCALL }),
    customer("kind"),
  ];
  const after = [
    customer("same", { upstream: AIRCALL }),
    customer("limits", { limits: { streams: 7 }, allowedOrigins: ["https://other.example"] }),
    customer("address", { upstream: { ...AIRCALL, baseUrl: "https://other.example" } }),
    customer("kind", { upstream: AIRCALL }),
    customer("new"),
  ];
  expect(compareCustomers(before, after)).toEqual({
    added: ["new"],
    removed: ["gone"],
    changed: [
      { id: "limits", settings: ["allowedOrigins", "limits.streams"] },
      { id: "address", settings: ["upstream.baseUrl"] },
      { id: "kind", settings: expect.arrayContaining(["upstream.kind", "upstream.apiToken"]) },
    ],
  });
});

test("describes the changes without a value, and of many customers the first", () => {
  const ids = Array.from({ length: 22 }, (_, index) => `c${index}`);
  const changes = { added: ids, removed: ["gone"], changed: [{ id: "acme", settings: ["tokens.secret"] }] };
  expect(describeCustomerChanges(changes)).toEqual([
    `added 22 customers: ${ids.slice(0, 20).join(", ")} and 2 more`,
    "removed customer: gone",
    "changed customer: acme (tokens.secret)",
  ]);
  expect(describeCustomerChanges({ added: [], removed: [], changed: [] })).toEqual(["no customer has changed"]);
});
