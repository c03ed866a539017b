import { expect, test } from "vitest";
import { readOwnAgent } from "./own-agent.ts";

test.each([
  ["no token", undefined, undefined, "no_token"],
  ["a token that is no JWT", null, undefined, "no_agent"],
  ["the operator's token", { sub: "operator", scope: "availability:write" }, undefined, "no_agent"],
  [
    "a subject beyond whole numbers",
    { sub: "99999999999999999999", scope: "availability:write" },
    undefined,
    "no_agent",
  ],
  ["a token without a scope", { sub: "123" }, 123, "no_scope"],
  ["a token that may only read", { sub: "123", scope: "availability:read availability:writer" }, 123, "no_scope"],
  ["a token that may write", { sub: "123", scope: "availability:read availability:write" }, 123, undefined],
])("reads %s", (_name, claims, userId, obstacle) => {
  expect(readOwnAgent(claims)).toEqual({ userId, obstacle });
});
