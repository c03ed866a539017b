import fc from "fast-check";
import { PortMessenger } from "penpal";
import * as v from "valibot";
import { expect, onTestFinished, test } from "vitest";
import { request } from "../../shared/contracts/contract.ts";
import { createDispatcher } from "../../shared/runtime/dispatch.ts";
import { openPort, type Port } from "./penpal-port.ts";

/** A dispatcher behind real penpal, as a page sees it. */
async function setUp(): Promise<{ readonly host: Port; readonly defects: unknown[] }> {
  const defects: unknown[] = [];
  const { dispatch } = createDispatcher({
    contract: { "TEST.ECHO": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }) },
    services: {},
    onDefect: (error) => defects.push(error),
    handlers: { "TEST.ECHO": (payload) => payload ?? null },
  });
  const { port1, port2 } = new MessageChannel();
  const widget = openPort(new PortMessenger({ port: port2 }), dispatch);
  const host = openPort(new PortMessenger({ port: port1 }), () => undefined);
  onTestFinished(() => {
    host.close();
    widget.close();
  });
  await host.opened;
  return { host, defects };
}

const wellFormed = expect.objectContaining({ type: expect.stringMatching(/_(FULFILLED|REJECTED)$/s) });

test("settles any JSON value that is posted over penpal", async () => {
  const { host } = await setUp();
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      expect(await host.post(value)).toEqual(wellFormed);
      const settlement = await host.post({ type: "TEST.ECHO", payload: value });
      expect(JSON.stringify(settlement)).toBe(JSON.stringify({ type: "TEST.ECHO_FULFILLED", payload: value }));
    }),
  );
});

/** Values that a window can post and JSON cannot say. */
const cloneable = fc.letrec((part) => ({
  value: fc.oneof(
    fc.constant(undefined),
    fc.bigInt(),
    fc.date(),
    fc.double(),
    fc.uint8Array(),
    fc.constantFrom(new Map([[1, 2]]), new Set([1]), /x/, new Error("e"), -0),
    fc.array(part("value"), { maxLength: 3 }),
    fc.dictionary(fc.string(), part("value"), { maxKeys: 3 }),
  ),
})).value;

test("settles what only a structured clone can carry, over penpal", async () => {
  const { host, defects } = await setUp();
  await fc.assert(
    fc.asyncProperty(cloneable, async (value) => {
      for (const event of [value, { type: "TEST.ECHO", payload: value }, { type: "TEST.ECHO", meta: value }]) {
        expect(await host.post(event)).toEqual(wellFormed);
      }
    }),
  );
  expect(defects).toEqual([]);
});
