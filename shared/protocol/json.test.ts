import vm from "node:vm";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { parseEvent } from "./envelope.ts";
import { cloneJson, MAX_REQUEST_BYTES, MAX_REQUEST_DEPTH } from "./json.ts";
import { BridgeRejectionError } from "./rejection.ts";

function nest(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { in: value };
  return value;
}

function refusalOf(value: unknown): BridgeRejectionError {
  try {
    cloneJson(value);
  } catch (error) {
    if (error instanceof BridgeRejectionError) return error;
    throw error;
  }
  throw new Error("The value was not refused");
}

test("copies any JSON as it is", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value: unknown = JSON.parse(text);
      const copy = cloneJson(value);
      expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
      if (typeof value === "object" && value !== null) expect(copy).not.toBe(value);
    }),
  );
});

test.each([null, true, false, 0, -1.5, "", "text", [], {}, [null], { a: [null, { b: null }] }])(
  "copies %j",
  (value) => {
    expect(cloneJson(value)).toStrictEqual(value);
  },
);

test("keeps a key named __proto__ a key", () => {
  const text = '{"__proto__":{"polluted":true},"constructor":1}';
  const copy = cloneJson(JSON.parse(text));
  expect(JSON.stringify(copy)).toBe(text);
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
});

test("leaves out keys without a value, and the prototype of a null-prototype object", () => {
  const bare: object = Object.assign(Object.create(null), { a: 1, b: undefined });
  expect(cloneJson(bare)).toStrictEqual({ a: 1 });
});

test("refuses an accessor without running it", () => {
  const get = vi.fn(() => 1);
  const set = vi.fn();
  for (const accessor of [{ get }, { set }]) {
    const value = { a: [Object.defineProperty({}, "b", { ...accessor, enumerable: true })] };
    expect(refusalOf(value).message).toBe("a.0.b: expected JSON, not an accessor");
  }
  expect(get).not.toHaveBeenCalled();
  expect(set).not.toHaveBeenCalled();
});

class Money {
  readonly amount = 1;
}

test.each<[string, unknown]>([
  ["function", () => {}],
  ["symbol", Symbol("s")],
  ["bigint", 1n],
  ["undefined", [undefined][0]],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["a class instance", new Money()],
  ["a class instance", new Date(0)],
  ["a class instance", new Map()],
])("refuses %s and says where it stands", (name, value) => {
  expect(refusalOf({ list: [0, value] }).message).toBe(`list.1: expected JSON, not ${name}`);
});

test("refuses a list's hole", () => {
  const holed: unknown[] = [];
  holed[1] = 1;
  expect(refusalOf({ holed }).rejection.issues).toEqual([{ path: "holed.0", expected: "JSON, not undefined" }]);
});

test("refuses a cycle", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  expect(refusalOf(cycle).message).toContain("no cycle");
});

test("refuses references that explode when they are written out", () => {
  let value: unknown = "x";
  for (let level = 0; level < 30; level++) value = [value, value];
  expect(refusalOf(value).message).toBe(`event: expected at most ${MAX_REQUEST_BYTES} bytes of JSON`);
});

test("takes 32 levels and not 33", () => {
  expect(cloneJson(nest(MAX_REQUEST_DEPTH))).toEqual(nest(MAX_REQUEST_DEPTH));
  expect(refusalOf(nest(MAX_REQUEST_DEPTH + 1)).message).toContain("at most 32 levels");
});

test.each(["x", "é", "€", "😀"])("counts the bytes of UTF-8 of %s up to 64 KiB", (character) => {
  const count = Math.floor((MAX_REQUEST_BYTES - 2) / Buffer.byteLength(character));
  const largest = character
    .repeat(count)
    .padEnd(count * character.length + ((MAX_REQUEST_BYTES - 2) % Buffer.byteLength(character)), "-");
  expect(Buffer.byteLength(JSON.stringify(largest))).toBe(MAX_REQUEST_BYTES);
  expect(cloneJson(largest)).toBe(largest);
  expect(refusalOf(`${largest}-`).message).toContain("at most 65536 bytes");
});

test("counts a list's values and not its indexes", () => {
  const list = Array.from({ length: 32_767 }, () => 0);
  expect(JSON.stringify(list)).toHaveLength(MAX_REQUEST_BYTES - 1);
  expect(cloneJson(list)).toEqual(list);
});

test("counts an object's keys", () => {
  const key = "k".repeat(MAX_REQUEST_BYTES - 6);
  expect(JSON.stringify({ [key]: 1 })).toHaveLength(MAX_REQUEST_BYTES);
  expect(cloneJson({ [key]: 1 })).toEqual({ [key]: 1 });
  expect(refusalOf({ [`${key}k`]: 1 }).message).toContain("at most 65536 bytes");
});

test("counts exactly the bytes that the value's JSON takes, however little of it is text", () => {
  const part = fc.oneof(
    fc.constantFrom<unknown>(0, Number.MIN_SAFE_INTEGER / 3e200, true, null, "", "\u0000", "\ud800", "€", [], {}),
    fc.dictionary(fc.string(), fc.integer()),
  );
  fc.assert(
    fc.property(part, fc.integer({ min: 0, max: 40 }), (item, margin) => {
      const size = Buffer.byteLength(JSON.stringify(item)) + 1;
      const list = Array.from({ length: Math.floor((MAX_REQUEST_BYTES - 1) / size) - 20 + margin }, () => item);
      if (Buffer.byteLength(JSON.stringify(list)) <= MAX_REQUEST_BYTES) expect(cloneJson(list)).toEqual(list);
      else expect(refusalOf(list).message).toContain("at most 65536 bytes");
    }),
    { numRuns: scaleRuns(60) },
  );
});

test("takes the plain objects and lists of another realm", () => {
  expect(cloneJson(vm.runInNewContext("({ a: [1, { b: null }] })"))).toStrictEqual({ a: [1, { b: null }] });
});

test.each(["ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"] as const)(
  "refuses an event whose proxy throws in %s as invalid",
  (trap) => {
    const hostile = new Proxy(
      { type: "A.B" },
      {
        [trap]() {
          throw new Error("trapped");
        },
      },
    );
    expect(() => parseEvent(hostile)).toThrow(
      expect.objectContaining({
        rejection: expect.objectContaining({
          code: "INVALID_REQUEST",
          issues: [{ path: "", expected: "what can be read" }],
        }),
      }),
    );
  },
);
