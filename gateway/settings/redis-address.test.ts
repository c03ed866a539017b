import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

test.each([
  "redis://127.0.0.1",
  "redis://redis:6379/3",
  "rediss://gateway:secret@redis.example.com:6380/0",
  "rediss://gateway:p%23%2F%3F%3A%40%25%2C@redis.example.com",
  "redis://:secret@[::1]:6379/",
  "redis://redis?name=gateway",
  "unix:///run/redis/redis.sock",
  "unix://gateway:secret@/run/redis/redis.sock?db=3",
])("accepts REDIS_URL=%s", (address) => {
  expect(readSettings({ REDIS_URL: address }).redis).toEqual({
    addresses: [address],
    mode: "single",
    keyPrefix: "availability-bridge",
  });
});

test.each([
  ["valkey://valkey:6379/3", "redis://valkey:6379/3"],
  ["valkeys://gateway:secret@valkey", "rediss://gateway:secret@valkey"],
  ["redis+unix:///run/valkey.sock", "unix:///run/valkey.sock"],
])("reads REDIS_URL=%s as %s", (address, same) => {
  expect(readSettings({ REDIS_URL: address }).redis?.addresses).toEqual([same]);
});

test("takes user, password and database of the first of several addresses for all of them", () => {
  const REDIS_URL = "rediss://gateway:p%2Cw@one:1/3 , rediss://two:2, rediss://gateway:p%2Cw@three:3/3";
  expect(readSettings({ REDIS_URL, REDIS_MODE: "sentinel", REDIS_SENTINEL_NAME: "calls" }).redis?.addresses).toEqual([
    "rediss://gateway:p%2Cw@one:1/3",
    "rediss://gateway:p%2Cw@two:2/3",
    "rediss://gateway:p%2Cw@three:3/3",
  ]);
});

const ENCODING =
  "is not read as it was meant: a user and a password have # / ? : @ % , written as %23 %2F %3F %3A %40 %25 %2C, and nothing but the number of a database follows the host";

test.each([
  ["a # in the password", "redis://gateway:pa#ss@redis:6379"],
  ["a # after digits, so that the user looks like the host", "redis://gateway:12#34@redis:6379"],
  ["a / in the password", "redis://gateway:pa/ss@redis:6379"],
  ["a / after digits", "redis://gateway:1/2@redis:6379"],
  ["a ? after digits", "redis://gateway:12?34@redis:6379"],
  ["a % in the password", "redis://gateway:50%off@redis:6379"],
  ["a % in the user", "redis://50%off:secret@redis:6379"],
  ["a database that is no number", "redis://redis:6379/sessions"],
  ["no host", "redis:///3"],
])("says how to write special characters for an address with %s, without the address", (_what, address) => {
  expect(messageFor({ REDIS_URL: address })).toBe(
    `REDIS_URL: ${ENCODING}, for example REDIS_URL=redis://127.0.0.1:6379`,
  );
});

const KIND = "is not the address of a Redis server (redis://, rediss://, valkey://, valkeys:// or unix://)";

test.each(["redis", "127.0.0.1:6379", "http://redis:6379", "redis+sentinel://redis:26379"])(
  "rejects REDIS_URL=%s",
  (address) => {
    expect(messageFor({ REDIS_URL: address })).toBe(`REDIS_URL: ${KIND}, for example REDIS_URL=redis://127.0.0.1:6379`);
  },
);

test.each(["unix://run/redis.sock", "unix:///", "unix:///redis.sock?db=x", "unix://a:b:c@/redis.sock", "unix://%@/r"])(
  "rejects REDIS_URL=%s as the address of a socket",
  (address) => {
    expect(messageFor({ REDIS_URL: address })).toBe(
      "REDIS_URL: is not the address of a socket: unix:// is followed by user:password@ if Redis needs them, by an absolute path, and by ?db= with the number of a database, for example REDIS_URL=redis://127.0.0.1:6379",
    );
  },
);

test("names each bad one of several addresses by its number, without any part of an address", () => {
  const REDIS_URL = "redis://gateway:pa,ss@redis,,redis://[";
  expect(messageFor({ REDIS_URL, REDIS_MODE: "cluster" }).split("\n")).toEqual(
    [
      `address 1 of 4 ${ENCODING}`,
      `address 2 of 4 ${KIND}`,
      `address 3 of 4 ${KIND}`,
      `address 4 of 4 ${ENCODING}`,
    ].map((problem) => `REDIS_URL: ${problem}, for example REDIS_URL=redis://127.0.0.1:6379`),
  );
});
