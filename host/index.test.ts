import { expect, test } from "vitest";

test("does nothing when it is imported in Node, and says there that it needs a browser", async () => {
  const before = Object.keys(globalThis);
  const { connect } = await import("./index.ts");
  expect(Object.keys(globalThis)).toEqual(before);
  expect(() => connect({ src: "https://widget.example.com/widget/" })).toThrow("connect: expected to run in a browser");
});
