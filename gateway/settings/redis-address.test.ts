import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

test.each([
  "redis://127.0.0.1",
  "redis://redis:6379/3",
  "rediss://gateway:secret@redis.example.com:6380/0",
  "rediss://gateway:p%23%2F%3F%3A%40%25@redis.example.com",
  "redis://:secret@[::1]:6379/",
  "redis://redis?name=gateway",
])("accepts REDIS_URL=%s", (address) => {
  expect(readSettings({ REDIS_URL: address }).redisUrl).toBe(address);
});

const ENCODING =
  "is not read as it was meant: a user and a password have # / ? : @ % written as %23 %2F %3F %3A %40 %25, and nothing but the number of a database follows the host";

test.each([
  ["a # in the password", "redis://gateway:pa#ss@redis:6379"],
  ["a # after digits, so that the user looks like the host", "redis://gateway:12#34@redis:6379"],
  ["a / in the password", "redis://gateway:pa/ss@redis:6379"],
  ["a / after digits", "redis://gateway:1/2@redis:6379"],
  ["a ? after digits", "redis://gateway:12?34@redis:6379"],
  ["a % in the password", "redis://gateway:50%off@redis:6379"],
  ["a % in the user", "redis://50%off:secret@redis:6379"],
  ["a database that is no number", "redis://redis:6379/sessions"],
])("says how to write special characters for an address with %s, without the address", (_what, address) => {
  expect(messageFor({ REDIS_URL: address })).toBe(
    `REDIS_URL: ${ENCODING}, for example REDIS_URL=redis://127.0.0.1:6379`,
  );
});

test.each(["redis", "127.0.0.1:6379", "http://redis:6379", "redis+sentinel://redis:26379"])(
  "rejects REDIS_URL=%s",
  (address) => {
    expect(messageFor({ REDIS_URL: address })).toBe(
      "REDIS_URL: is not the address of a Redis server (redis:// or rediss://), for example REDIS_URL=redis://127.0.0.1:6379",
    );
  },
);
