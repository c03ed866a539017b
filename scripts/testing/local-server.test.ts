import { expect, test } from "vitest";
import { findFreePort } from "./local-server.ts";

test("finds a port once, also while nothing listens there", async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, findFreePort));
  expect(new Set(ports).size).toBe(200);
});
