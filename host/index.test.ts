import { expect, test } from "vitest";

test("has no side effects when imported in Node, and `connect` throws that it expects a browser", async () => {
  const before = Object.keys(globalThis);
  const { connect, defineAvailabilityBadge, ...others } = await import("./index.ts");
  expect(Object.keys(globalThis)).toEqual(before);
  const nothing = () => () => {};
  defineAvailabilityBadge({ state: "connecting", watch: nothing, onStateChange: nothing });
  expect(Object.keys(globalThis)).toEqual(before);
  expect(Object.keys(others).sort()).toEqual([
    "BusError",
    "ConnectionError",
    "ContractError",
    "RejectedError",
    "TimeoutError",
    "isBusError",
    "readAvailability",
  ]);
  expect(() => connect({ src: "https://widget.example.com/widget/" })).toThrow("connect: expected a browser");
});
