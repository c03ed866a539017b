/** A connection over an iframe of the page's own. */
import { expect, test, vi } from "vitest";
import { remountAll } from "./connection-registry.ts";
import { FakeFrame, NOT_IN_DOCUMENT, ORIGIN, openTestConnection } from "./test-frame-connection.ts";

test("never removes a page's own iframe, and never retries in it by itself", async () => {
  const ownFrame = new FakeFrame();
  const { connection, ports, frames } = openTestConnection({ ownFrame });
  ownFrame.load();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(600_000);
  connection.connect();
  connection.close();
  expect(ownFrame.remove).not.toHaveBeenCalled();
  expect([ports.length, frames.length]).toEqual([1, 0]);
});

test("rejects requests when a page's own iframe hangs, and accepts the next document in it", async () => {
  const ownFrame = new FakeFrame();
  const { events, ports, lastPort } = openTestConnection({ ownFrame });
  await lastPort().connect();
  remountAll(ORIGIN);
  expect(events.onLost).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      rejection: expect.objectContaining({
        code: "WIDGET_UNAVAILABLE",
        message: "The page's own frame hangs: only the page can load it anew",
      }),
    }),
  );
  expect(ports).toHaveLength(2);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledTimes(2);
});

test("connects to a page's own iframe again that was put back after a request without it", async () => {
  const ownFrame = new FakeFrame();
  const { connection, events, losses, ports, lastPort } = openTestConnection({ ownFrame });
  await lastPort().connect();
  ownFrame.contentWindow = null;
  connection.checkFrame();
  connection.connect();
  await vi.advanceTimersByTimeAsync(0);
  expect(losses()).toEqual([NOT_IN_DOCUMENT, NOT_IN_DOCUMENT]);
  expect(ports).toHaveLength(1);
  ownFrame.contentWindow = {};
  ownFrame.load();
  expect(lastPort().options.remote).toBe(ownFrame.contentWindow);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledTimes(2);
});

test("refuses a page's own iframe that another connection has, and accepts it after that one is closed", () => {
  const ownFrame = new FakeFrame();
  const { connection } = openTestConnection({ ownFrame });
  expect(() => openTestConnection({ ownFrame })).toThrow(/^frame: expected no other connector on it/);
  connection.close();
  expect(() => openTestConnection({ ownFrame })).not.toThrow();
});
