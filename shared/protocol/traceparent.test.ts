import { expect, test } from "vitest";
import { parseTraceparent } from "./traceparent.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

test.each([`00-${trace}-${parent}-01`, `00-${trace}-${parent}-00`])("takes %s", (text) => {
  expect(parseTraceparent(text)).toBe(text);
});

test.each([
  undefined,
  "",
  `00-${"0".repeat(32)}-${parent}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${parent}-01`,
  `01-${trace}-${parent}-01`,
  `00-${trace}-${parent}-1`,
  `00-${trace}-${parent}-01-more`,
  `00-${trace}-${parent}-01\r\nx: y`,
  ` 00-${trace}-${parent}-01`,
])("ignores %j", (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});
