import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { SETTABLE_STATUSES } from "../../shared/contracts/settable-statuses.ts";
import { findFreePort } from "../testing/local-server.ts";
import { drawChanges, STATUSES } from "./random-changes.mjs";

function take(count: number, seed: number) {
  const changes = drawChanges([1, 2, 3], seed);
  return Array.from({ length: count }, () => changes.next().value);
}

test("gives every status that can be set, and no other", () => {
  expect([...new Set(STATUSES)].sort()).toEqual([...SETTABLE_STATUSES].sort());
  expect(new Set(take(500, 1).map(({ status }) => status))).toEqual(new Set(STATUSES));
  expect(new Set(take(500, 1).map(({ userId }) => userId))).toEqual(new Set([1, 2, 3]));
});

test("repeats its changes for the same seed only", () => {
  expect(take(50, 7)).toEqual(take(50, 7));
  expect(take(50, 7)).not.toEqual(take(50, 8));
});

test("never gives an agent the same status twice in a row", () => {
  const last = new Map<number, string>();
  for (const { userId, status } of take(1_000, 3)) {
    expect(status).not.toBe(last.get(userId));
    last.set(userId, status);
  }
});

/** Runs the script and returns the reason that it prints when it ends at once. */
async function complaint(options: readonly string[], port: number): Promise<unknown> {
  const child = spawn(process.execPath, ["scripts/demo/simulate.mjs", ...options], {
    env: { ...process.env, DEMO_PORT: String(port) },
  });
  const [said, ended] = await Promise.all([text(child.stderr), once(child, "close")]);
  return [said, ended];
}

test("says that npm start does not run, and names the invalid option", async () => {
  const port = await findFreePort();
  const site = `http://localhost:${port}`;
  expect(await complaint([], port)).toEqual([
    `No demo answers at ${site}: run "npm start" first, in another terminal (DEMO_PORT is its port)\n`,
    [1, null],
  ]);
  expect(await complaint(["--per-second", "0"], port)).toEqual([
    "--per-second: expected a number from 0.1 to 1000\n",
    [1, null],
  ]);
  expect(await complaint(["--seed", "-1"], port)).toEqual([expect.stringContaining("seed"), [1, null]]);
});
