import { expect, onTestFinished, test, vi } from "vitest";
import type { Log } from "../logging/log.ts";
import { createDrain } from "./drain.ts";
import { createReadiness } from "./readiness.ts";

function drainOf(closes: Readonly<Record<string, () => Promise<void>>>, delayMs = 0) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const lines: string[] = [];
  const record = (line: unknown) => void lines.push(String(line));
  const log: Log = {
    line: record,
    error: () => {},
    warning: record,
    request: record,
    defect: record,
    flush: () => Promise.resolve(),
  };
  const readiness = createReadiness({
    healthSources: { isStoreReady: () => true, customers: () => [] },
    staleLimitSeconds: 60,
  });
  const closables = Object.entries(closes).map(([name, close]) => ({
    name,
    close: () => {
      lines.push(`closing ${name}`);
      return close();
    },
  }));
  return { drain: createDrain({ readiness, log, delayMs, closables, countStreams: () => 3 }), lines, readiness };
}

const CLOSING = "Gateway closing: accepts connections for 0 s more; open streams: 3";
const closed = () => Promise.resolve();
const never = () => new Promise<void>(() => {});

test("is unready at once, and closes its parts in order", async () => {
  const { drain, lines, readiness } = drainOf({ connections: closed, store: closed });
  const draining = drain();
  expect(readiness.check()).toEqual(["closing"]);
  await draining;
  expect(lines).toEqual([CLOSING, "closing connections", "closing store", "Gateway closed"]);
});

test("closes nothing before the delay has passed", async () => {
  const { drain, lines, readiness } = drainOf({ connections: closed }, 5000);
  const draining = drain();
  await vi.advanceTimersByTimeAsync(4999);
  expect(readiness.check()).toEqual(["closing"]);
  expect(lines).toEqual(["Gateway closing: accepts connections for 5 s more; open streams: 3"]);
  await vi.advanceTimersByTimeAsync(1);
  await draining;
  expect(lines).toContain("closing connections");
});

test("closes once, even if called several times", async () => {
  const { drain, lines } = drainOf({ connections: closed });
  await Promise.all([drain(), drain()]);
  expect(lines.filter((line) => line === "closing connections")).toHaveLength(1);
});

test("resolves after ten seconds if parts do not close, and has started to close every part", async () => {
  const { drain, lines } = drainOf({ connections: closed, upstreams: never, store: never });
  const draining = drain();
  await vi.advanceTimersByTimeAsync(10_000);
  await draining;
  expect(lines).toEqual([
    CLOSING,
    "closing connections",
    "closing upstreams",
    "upstreams did not close in time",
    "closing store",
    "store did not close in time",
    "Gateway closed",
  ]);
});

test("logs a part that fails to close, and closes the next", async () => {
  const { drain, lines } = drainOf({ upstreams: () => Promise.reject(new Error("no")), store: closed });
  await drain();
  expect(lines).toEqual([CLOSING, "closing upstreams", "Error: no", "closing store", "Gateway closed"]);
});

test("leaves no timer behind", async () => {
  const { drain } = drainOf({ connections: closed });
  await drain();
  expect(vi.getTimerCount()).toBe(0);
});
