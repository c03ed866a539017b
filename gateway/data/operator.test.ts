import { hostname, userInfo } from "node:os";
import { expect, test } from "vitest";
import { readOperator } from "./operator.ts";

const { uid, username } = userInfo();

test("is the account of the process, at this machine", () => {
  expect(readOperator({})).toEqual({ account: username, machine: hostname() });
});

test("is the account that has called sudo, for a process of root alone", () => {
  expect(readOperator({ SUDO_USER: "alice" }).account).toBe(uid === 0 ? "alice" : username);
});
