import * as v from "valibot";
import { expect, test } from "vitest";
import { singleRedis } from "../store/redis/redis-server-options.ts";
import { AircallSettings } from "../upstream/aircall/settings.ts";
import type { CustomerSettings } from "./customer-settings.ts";
import { describeVolatileCustomers } from "./volatile-customers.ts";

const TOKENS = {
  algorithm: "HS256",
  issuer: "acme",
  audience: "gateway",
  secret: "s".repeat(32),
  leewaySeconds: 0,
  maxLifetimeSeconds: 86_400,
} as const;
const LIMITS = { requestsPerMinutePerSubject: 1, requestsPerMinute: 1, streams: 1, streamsPerSubject: 1 };
const POLLED = v.parse(AircallSettings, { kind: "aircall", apiId: "id", apiToken: "token" });

function customer(id: string, upstream: CustomerSettings["upstream"] = { kind: "memory" }): CustomerSettings {
  return { id, allowedOrigins: ["https://crm.example.com"], tokens: TOKENS, upstream, limits: LIMITS };
}

test("names the customers that no telephony system and no Redis has", () => {
  expect(describeVolatileCustomers([customer("acme"), customer("globex", POLLED)], undefined)).toEqual([
    'Customer acme has the upstream "memory" without REDIS_URL: a restart loses every availability, and each gateway has its own',
  ]);
  expect(
    describeVolatileCustomers(
      ["a", "b", "c", "d", "e", "f", "g"].map((id) => customer(id)),
      undefined,
    ),
  ).toEqual([expect.stringMatching(/^Customers a, b, c, d, e and 2 more have /)]);
});

test("describes no customer with Redis, and none whose telephony system has the availabilities", () => {
  expect(describeVolatileCustomers([customer("acme")], singleRedis("redis://127.0.0.1"))).toEqual([]);
  expect(describeVolatileCustomers([customer("globex", POLLED)], undefined)).toEqual([]);
});
