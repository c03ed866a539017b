import * as v from "valibot";
import { expect, test } from "vitest";
import { AircallSettings } from "./settings.ts";

const ACCOUNT = { kind: "aircall", apiId: "id", apiToken: "token" };

test("requires both halves of the key and has defaults for the rest", () => {
  expect(v.parse(AircallSettings, ACCOUNT)).toEqual({
    ...ACCOUNT,
    baseUrl: new URL("https://api.aircall.io/"),
    requestsPerMinute: 60,
  });
});

test.each([
  ["https://api.example.com/proxy", "https://api.example.com/proxy/"],
  ["https://api.example.com/proxy/", "https://api.example.com/proxy/"],
  ["http://127.0.0.1:4200", "http://127.0.0.1:4200/"],
  ["http://localhost:4200", "http://localhost:4200/"],
  ["http://[::1]:4200", "http://[::1]:4200/"],
])("accepts the address %s", (baseUrl, href) => {
  expect(v.parse(AircallSettings, { ...ACCOUNT, baseUrl }).baseUrl.href).toBe(href);
});

test.each([
  "http://api.example.com",
  "http://127.0.0.1.example.com",
  "ftp://api.example.com",
  "https://id:token@api.example.com",
  "https://api.example.com/?key=1",
  "https://api.example.com/#x",
  "api.example.com",
  "",
])("rejects the address %j, which would expose credentials", (baseUrl) => {
  expect(v.is(AircallSettings, { ...ACCOUNT, baseUrl })).toBe(false);
});

test.each<[string, unknown]>([
  ["requestsPerMinute", 5],
  ["requestsPerMinute", 60.5],
  ["requestsPerMinute", 6_001],
  ["requestsPerMinute", "60"],
  ["timeoutMs", 99],
  ["timeoutMs", 60_001],
  ["wrapUpSeconds", 0],
  ["wrapUpSeconds", -1],
  ["apiId", ""],
  ["apiToken", undefined],
  ["webhookToken", ""],
  ["webhookToken", "7 chars"],
  ["pollSeconds", 1],
])("rejects %s: %j", (name, value) => {
  expect(v.is(AircallSettings, { ...ACCOUNT, [name]: value })).toBe(false);
});
