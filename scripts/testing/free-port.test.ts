import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { findFreePort } from "./free-port.mjs";

test("finds a port once, also while nothing listens there", async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, findFreePort));
  expect(new Set(ports).size).toBe(200);
});

/** A program that prints 200 free ports. */
const PROGRAM = `
  import { findFreePort } from ${JSON.stringify(new URL("free-port.mjs", import.meta.url).href)};
  console.log(JSON.stringify(await Promise.all(Array.from({ length: 200 }, findFreePort))));
`;

test("finds in no process a port that another process has found", async () => {
  const run = promisify(execFile);
  const programs = [1, 2].map(() => run(process.execPath, ["--input-type=module", "--eval", PROGRAM]));
  const ports = (await Promise.all(programs)).flatMap(({ stdout }): readonly number[] => JSON.parse(stdout));
  expect(new Set(ports).size).toBe(400);
});
