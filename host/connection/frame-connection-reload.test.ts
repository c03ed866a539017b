/** A widget that connects again in its iframe, and a resumed page. */
import { expect, test } from "vitest";
import { openTestConnection, timeUntilMount } from "./test-frame-connection.ts";

test("connects again in the same iframe when another handshake begins over an open connection", async () => {
  const { events, frames, ports, lastPort } = openTestConnection();
  const port = lastPort();
  await port.connect();
  port.sendSyn();
  expect(port.close).toHaveBeenCalledOnce();
  expect(events.onLost).toHaveBeenCalledExactlyOnceWith(undefined);
  expect([frames.length, ports.length]).toEqual([1, 2]);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledTimes(2);
});

test("connects again in the same iframe when the widget has closed the connection", async () => {
  const { events, frames, ports, lastPort } = openTestConnection();
  await lastPort().connect();
  lastPort().options.onClosed();
  expect(events.onLost).toHaveBeenCalledExactlyOnceWith(undefined);
  expect([frames.length, ports.length]).toEqual([1, 2]);
  // An iframe without a connected widget is replaced as usual.
  expect(await timeUntilMount(frames)).toBe(10_000);
});

test("ignores a port that has closed before the handshake, and one that it has closed itself", async () => {
  const { events, ports, frames } = openTestConnection();
  const [first] = ports;
  first?.options.onClosed();
  expect(ports).toHaveLength(1);
  await timeUntilMount(frames);
  await first?.connect();
  expect(events.onConnected).not.toHaveBeenCalled();
});

test("reports a resumed page while it is connected, and leaves the iframe", async () => {
  const { events, frames, lastPort, resumePage } = openTestConnection();
  await lastPort().connect();
  // The first load of the page ends with this event too.
  resumePage("pageshow", false);
  expect(events.onResumed).not.toHaveBeenCalled();
  resumePage("visibilitychange");
  expect(events.onResumed).toHaveBeenCalledOnce();
  expect(frames).toHaveLength(1);
});

test("posts to the connected widget, and resolves with nothing without one", async () => {
  const { connection, lastPort } = openTestConnection();
  await lastPort().connect();
  const posted = connection.post({ type: "TEST.ASK" });
  lastPort().posted[0]?.reply();
  expect(await posted).toEqual({});
  connection.close();
  expect(await connection.post({ type: "TEST.ASK" })).toBeUndefined();
});
