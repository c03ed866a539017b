/** The end of a connection by `close`, which is final. */
import { expect, test, vi } from "vitest";
import { getRegistry, remountAll } from "./connection-registry.ts";
import { FakeFrame, ORIGIN, openTestConnection } from "./test-frame-connection.ts";

test("keeps nothing of the page when it is closed, and never connects again", async () => {
  const { connection, events, frames, lastPort, observers, resumePage } = openTestConnection();
  const [registered] = getRegistry();
  await lastPort().connect();
  connection.close();
  expect(frames[0]?.remove).toHaveBeenCalledOnce();
  expect(lastPort().close).toHaveBeenCalledOnce();
  expect([observers.size, getRegistry().size]).toEqual([0, 0]);
  registered?.drop();
  registered?.renew();
  connection.connect();
  resumePage("online");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(frames).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
  expect(events.onLost).not.toHaveBeenCalled();
});

test.each<[string, (world: ReturnType<typeof openTestConnection>) => void]>([
  ["another handshake begins", ({ lastPort }) => lastPort().sendSyn()],
  ["the widget closes the connection", ({ lastPort }) => lastPort().options.onClosed()],
  ["the widget hangs", () => remountAll(ORIGIN)],
  [
    "the iframe is removed",
    ({ connection, lastFrame }) => {
      lastFrame().contentWindow = null;
      connection.checkFrame();
    },
  ],
])("stays closed when it is closed by a listener to its loss, as %s", async (_cause, lose) => {
  let close = (): void => {};
  const world = openTestConnection({ onLost: () => close() });
  close = world.connection.close;
  await world.lastPort().connect();
  lose(world);
  await vi.advanceTimersByTimeAsync(600_000);
  world.connection.connect();
  expect(world.frames).toHaveLength(1);
  expect(world.ports.every((port) => port.close.mock.calls.length === 1)).toBe(true);
  expect([vi.getTimerCount(), world.observers.size, getRegistry().size]).toEqual([0, 0, 0]);
});

test("does not bring back a connection that a listener closes while its neighbours are removed", async () => {
  let close = (): void => {};
  const hung = openTestConnection({ onLost: () => close() });
  const neighbour = openTestConnection();
  close = neighbour.connection.close;
  await hung.lastPort().connect();
  await neighbour.lastPort().connect();
  remountAll(ORIGIN);
  expect([hung.frames.length, neighbour.frames.length]).toEqual([2, 1]);
  expect(neighbour.events.onLost).not.toHaveBeenCalled();
});

test.each<[string, (world: ReturnType<typeof openTestConnection>) => void]>([
  ["a check of the iframe", ({ connection }) => connection.checkFrame()],
  ["a SYN", ({ lastPort }) => lastPort().sendSyn()],
  ["the load of an iframe that was put back", ({ lastFrame }) => lastFrame().load()],
])("ignores %s after it is closed", async (_event, happen) => {
  const ownFrame = new FakeFrame();
  const world = openTestConnection({ ownFrame });
  await world.lastPort().connect();
  world.connection.close();
  happen(world);
  world.connection.connect();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(world.ports).toHaveLength(1);
  expect(world.events.onLost).not.toHaveBeenCalled();
  expect([vi.getTimerCount(), world.observers.size, getRegistry().size]).toEqual([0, 0, 0]);
});
