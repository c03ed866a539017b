import { expect, onTestFinished, test } from "vitest";
import { claimFrame, getRegistry, remountAll } from "./connection-registry.ts";

const HUNG = "https://widget.example.com";

/** Registers a connection to the origin that logs each call. */
function join(name: string, log: string[], origin = HUNG): void {
  const neighbour = { origin, drop: () => log.push(`drop ${name}`), renew: () => log.push(`renew ${name}`) };
  const page = getRegistry();
  page.add(neighbour);
  onTestFinished(() => void page.delete(neighbour));
}

test("removes every iframe of the origin before mounting the first again", () => {
  const log: string[] = [];
  for (const name of ["a", "b", "c"]) join(name, log);
  remountAll(HUNG);
  expect(log).toEqual(["drop a", "drop b", "drop c", "renew a", "renew b", "renew c"]);
});

test("does not remount connections of other origins", () => {
  const log: string[] = [];
  join("same", log);
  for (const other of ["https://widget.example.com:8443", "http://widget.example.com", "https://example.com"]) {
    join(other, log, other);
  }
  remountAll(HUNG);
  expect(log).toEqual(["drop same", "renew same"]);
});

test("remounts a connection that leaves the registry during its removal, as every connection does", () => {
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

test("shares the registry between all copies of the package on a page, by a fixed key", () => {
  expect(getRegistry()).toBe(getRegistry());
  expect(Reflect.get(globalThis, Symbol.for("availability-bridge.neighbours"))).toBe(getRegistry());
});

test("claims an iframe for all copies of the package on a page, until it is released", () => {
  const frame = { contentWindow: {} } as HTMLIFrameElement;
  const release = claimFrame(frame);
  expect(Reflect.get(globalThis, Symbol.for("availability-bridge.frames")).has(frame)).toBe(true);
  expect(() => claimFrame(frame)).toThrow(TypeError);
  release();
  expect(claimFrame(frame)).toBeTypeOf("function");
});
