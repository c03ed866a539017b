import { expect, onTestFinished, test } from "vitest";
import { getRegistry, remountAll } from "./connection-registry.ts";

const HUNG = "https://widget.example.com";

/** Puts a link to this origin on the page, which writes down what it is told. */
function join(name: string, log: string[], origin = HUNG): void {
  const neighbour = { origin, drop: () => log.push(`drop ${name}`), renew: () => log.push(`renew ${name}`) };
  const page = getRegistry();
  page.add(neighbour);
  onTestFinished(() => void page.delete(neighbour));
}

test("drops every link of the origin before it renews the first", () => {
  const log: string[] = [];
  for (const name of ["a", "b", "c"]) join(name, log);
  remountAll(HUNG);
  expect(log).toEqual(["drop a", "drop b", "drop c", "renew a", "renew b", "renew c"]);
});

test("leaves links of other origins alone", () => {
  const log: string[] = [];
  join("same", log);
  for (const other of ["https://widget.example.com:8443", "http://widget.example.com", "https://example.com"]) {
    join(other, log, other);
  }
  remountAll(HUNG);
  expect(log).toEqual(["drop same", "renew same"]);
});

test("renews a link that takes itself off the list while it is dropped, as every link does", () => {
  const log: string[] = [];
  const page = getRegistry();
  const leaving = {
    origin: HUNG,
    drop: () => void page.delete(leaving),
    renew: () => void log.push("renewed"),
  };
  page.add(leaving);
  remountAll(HUNG);
  expect(log).toEqual(["renewed"]);
  expect(page.size).toBe(0);
});

test("is shared by every copy of the package on a page, by a name that is never to change", () => {
  expect(getRegistry()).toBe(getRegistry());
  expect(Reflect.get(globalThis, Symbol.for("availability-bridge.neighbours"))).toBe(getRegistry());
});
