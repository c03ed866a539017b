import { expect, onTestFinished, test, vi } from "vitest";
import type { Log } from "../logging/log.ts";
import { createDrain } from "./drain.ts";
import { createReadiness } from "./readiness.ts";

function drainOf(closes: Readonly<Record<string, () => Promise<void>>>, delayMs = 0) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const lines: string[] = [];
  const keep = (line: unknown) => void lines.push(String(line));
  const log: Log = { line: keep, warning: keep, request: keep, defect: keep, flush: () => Promise.resolve() };
  const readiness = createReadiness({
    standings: { isStoreReady: () => true, customers: () => [] },
    staleLimitSeconds: 60,
  });
  const closables = Object.entries(closes).map(([name, close]) => ({
    name,
    close: () => {
      lines.push(`closing ${name}`);
      return close();
    },
  }));
  return { drain: createDrain({ readiness, log, delayMs, closables }), lines, readiness };
}

const closed = () => Promise.resolve();
const never = () => new Promise<void>(() => {});

test("is not ready from the first moment, and closes one after the other", async () => {
  const { drain, lines, readiness } = drainOf({ connections: closed, store: closed });
  const draining = drain();
  expect(readiness.check().failing).toEqual(["closing"]);
  await draining;
  expect(lines).toEqual(["Gateway closing", "closing connections", "closing store", "Gateway closed"]);
});

test("closes nothing before its delay has passed", async () => {
  const { drain, lines, readiness } = drainOf({ connections: closed }, 5000);
  const draining = drain();
  await vi.advanceTimersByTimeAsync(4999);
  expect(readiness.check().failing).toEqual(["closing"]);
  expect(lines).toEqual(["Gateway closing"]);
  await vi.advanceTimersByTimeAsync(1);
  await draining;
  expect(lines).toContain("closing connections");
});

test("closes once, however often it is asked to", async () => {
  const { drain, lines } = drainOf({ connections: closed });
  await Promise.all([drain(), drain()]);
  expect(lines.filter((line) => line === "closing connections")).toHaveLength(1);
});

test("ends after ten seconds with what does not close, and has begun to close all the rest", async () => {
  const { drain, lines } = drainOf({ connections: closed, upstreams: never, store: never });
  const draining = drain();
  await vi.advanceTimersByTimeAsync(10_000);
  await draining;
  expect(lines).toEqual([
    "Gateway closing",
    "closing connections",
    "closing upstreams",
    "upstreams did not close in time",
    "closing store",
    "store did not close in time",
    "Gateway closed",
  ]);
});

test("goes on where something fails to close, and says so", async () => {
  const { drain, lines } = drainOf({ upstreams: () => Promise.reject(new Error("no")), store: closed });
  await drain();
  expect(lines).toEqual(["Gateway closing", "closing upstreams", "Error: no", "closing store", "Gateway closed"]);
});

test("leaves no timer behind", async () => {
  const { drain } = drainOf({ connections: closed });
  await drain();
  expect(vi.getTimerCount()).toBe(0);
});
