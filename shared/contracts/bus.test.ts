import * as v from "valibot";
import { expect, test } from "vitest";
import { bus } from "./bus.ts";

test("starts and stops the services that there are, and names them for one that there is not", () => {
  const { payload } = bus["BUS.INIT"];
  expect(v.is(payload, { services: ["USER"] })).toBe(true);
  expect(v.safeParse(payload, { services: ["CALLS"] }).issues?.map(({ message }) => message)).toEqual([
    'one of USER, not "CALLS"',
  ]);
});
