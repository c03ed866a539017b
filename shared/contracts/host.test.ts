import * as v from "valibot";
import { expect, test } from "vitest";
import { contract, hostContract } from "./index.ts";

const { payload, fulfilled } = hostContract["HOST.FETCH_TOKEN"];

test("asks for a token with nothing beside it", () => {
  expect(v.is(payload, undefined)).toBe(true);
  expect(v.is(payload, {})).toBe(true);
  expect(v.is(payload, { audience: "all" })).toBe(false);
});

test.each(["t", "e30.e30.c2ln", "a-._~+/9==", "t".repeat(8_192)])("takes a token such as %.20s", (token) => {
  expect(v.is(fulfilled, { token })).toBe(true);
});

test.each([undefined, null, 1, "", "=", "a b", "a\n", "a=b", "é", "t".repeat(8_193)])(
  "refuses the token %j",
  (token) => {
    expect(v.is(fulfilled, { token })).toBe(false);
  },
);

test("takes a token and nothing beside it", () => {
  expect(v.is(fulfilled, { token: "t", more: 1 })).toBe(false);
});

test("what a page may send and what the widget may send have no type in common", () => {
  expect(Object.keys(hostContract).filter((type) => Object.hasOwn(contract, type))).toEqual([]);
});
