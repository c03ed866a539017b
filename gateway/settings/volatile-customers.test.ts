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

test("names the customers that no Redis has, and says what that means for the kind of their upstream", () => {
  const polled = [customer("globex", POLLED), customer("initech", POLLED)];
  expect(describeVolatileCustomers([...polled, customer("acme")], undefined)).toEqual([
    'Customer acme has the upstream "memory" without REDIS_URL: a restart loses every availability, and each gateway has its own',
    'Customers globex, initech have the upstream "aircall" without REDIS_URL: run one gateway only, because each sends as many requests as requestsPerMinute allows; after a restart, reads are answered with an error until the whole list has been read',
  ]);
  expect(
    describeVolatileCustomers(
      ["a", "b", "c", "d", "e", "f", "g"].map((id) => customer(id)),
      undefined,
    ),
  ).toEqual([expect.stringMatching(/^Customers a, b, c, d, e and 2 more have /)]);
});

test("describes no customer with Redis", () => {
  const customers = [customer("acme"), customer("globex", POLLED)];
  expect(describeVolatileCustomers(customers, singleRedis("redis://127.0.0.1"))).toEqual([]);
});
