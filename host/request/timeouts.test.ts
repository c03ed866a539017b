import { expect, test } from "vitest";
import { parseTimeouts } from "./timeouts.ts";

test("uses the defaults for options that the page leaves out", () => {
  expect(parseTimeouts({ timeoutMs: 1 })).toEqual({
    timeoutMs: 1,
    handshakeTimeoutMs: 10_000,
    retryDelayMs: 500,
    heartbeatMs: 2_000,
  });
});

test.each(["timeoutMs", "handshakeTimeoutMs", "retryDelayMs", "heartbeatMs"])(
  "names %s if it is no timeout",
  (name) => {
    expect(() => parseTimeouts({ [name]: 0 })).toThrow(`${name}: expected whole milliseconds from 1 to 120000`);
  },
);
