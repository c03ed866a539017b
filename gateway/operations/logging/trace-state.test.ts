import { expect, test } from "vitest";
import { parseTraceState } from "./trace-state.ts";

const member = (key: string, length: number) => `${key}=${"v".repeat(length - key.length - 1)}`;

test.each([
  ["congo=t61rcWkgMzE", "congo=t61rcWkgMzE"],
  ["rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE,,", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"],
  ["fw529a3039@dt=FfffffffB;x:y", "fw529a3039@dt=FfffffffB;x:y"],
])("forwards %j", (header, state) => {
  expect(parseTraceState(header)).toBe(state);
});

test.each([
  undefined,
  "",
  " , ",
  "congo",
  "congo=",
  "Congo=1",
  "=1",
  "a=b=c",
  "a=é",
  "a=b\nc",
  "@dt=1",
  Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(),
])("forwards nothing of %j", (header) => {
  expect(parseTraceState(header)).toBeUndefined();
});

test("shortens a long state: long members first, then the last members", () => {
  const short = ["a", "b", "c", "d", "e"].map((key) => member(key, 120));
  const state = [short[0], member("long", 129), ...short.slice(1)].join();
  expect(parseTraceState(state)).toBe(short.slice(0, 4).join());
});
