/** A connection whose iframe or container is moved, removed and put back. */
import { expect, test, vi } from "vitest";
import { getRegistry } from "./connection-registry.ts";
import { FakeFrame, NOT_IN_DOCUMENT, openTestConnection, timeUntilMount } from "./test-frame-connection.ts";

test("opens a port to the new window of an iframe that was moved", async () => {
  const { connection, events, frames, ports, lastFrame, lastPort } = openTestConnection();
  await lastPort().connect();
  connection.checkFrame();
  expect(ports).toHaveLength(1);
  const moved = {};
  lastFrame().contentWindow = moved;
  connection.checkFrame();
  expect(ports[0]?.close).toHaveBeenCalledOnce();
  expect(lastPort().options.remote).toBe(moved);
  expect(events.onLost).toHaveBeenCalledExactlyOnceWith(undefined);
  expect(frames).toHaveLength(1);
});

test("rejects requests when the iframe was removed, and keeps nothing of the page", async () => {
  const { events, lastFrame, lastPort, losses, observers, resumePage } = openTestConnection();
  await lastPort().connect();
  lastFrame().remove();
  for (const notify of observers) notify();
  expect(losses()).toEqual([
    { code: "CONNECTION_CLOSED", message: "The frame is not in the document", retryable: true },
  ]);
  expect([observers.size, vi.getTimerCount(), getRegistry().size]).toEqual([0, 1, 0]);
  resumePage("online");
  lastFrame().load();
  expect(events.onResumed).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("rejects requests for good while its container is not in the document, and mounts for the next one when it is back", async () => {
  const { connection, frames, lastFrame, lastPort, losses, page } = openTestConnection();
  await lastPort().connect();
  page.hasContainer = false;
  lastFrame().contentWindow = null;
  connection.checkFrame();
  expect(losses()).toEqual([NOT_IN_DOCUMENT]);
  connection.connect();
  await vi.advanceTimersByTimeAsync(0);
  expect(losses()).toEqual([NOT_IN_DOCUMENT, NOT_IN_DOCUMENT]);
  const { length } = frames;
  page.hasContainer = true;
  connection.connect();
  expect(frames).toHaveLength(length + 1);
  expect(lastFrame().contentWindow).not.toBeNull();
});

test("lets requests be repeated when an invisible iframe has gone with the page's body, for which there is another", async () => {
  const { connection, lastFrame, lastPort, losses, frames } = openTestConnection({ hasNoContainer: true });
  await lastPort().connect();
  lastFrame().contentWindow = null;
  connection.checkFrame();
  expect(losses()).toEqual([{ ...NOT_IN_DOCUMENT, retryable: true }]);
  connection.connect();
  expect(frames).toHaveLength(2);
});

test("reports in a later task that no iframe can be mounted, so that a page that asks again at once does not hang", async () => {
  const { connection, events, lastFrame, page } = openTestConnection({ onLost: () => connection.connect() });
  page.hasContainer = false;
  lastFrame().contentWindow = null;
  connection.checkFrame();
  const timer = vi.fn();
  setTimeout(timer, 20);
  for (let turn = 0; turn < 1_000; turn += 1) await Promise.resolve();
  expect(events.onLost).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(20);
  expect(timer).toHaveBeenCalledOnce();
});

test.each<[string, boolean]>([
  ["its container", false],
  ["the page's own iframe", true],
])("connects again by itself when %s was taken out and is put back in a later task", async (_what, isOwn) => {
  const ownFrame = isOwn ? new FakeFrame() : undefined;
  const { events, lastFrame, lastPort, observers, page, ports } = openTestConnection(ownFrame && { ownFrame });
  page.hasPendingWork = false;
  await lastPort().connect();
  page.hasContainer = false;
  lastFrame().contentWindow = null;
  for (const notify of observers) notify();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([ports.length, observers.size, vi.getTimerCount(), getRegistry().size]).toEqual([1, 0, 0, 0]);
  page.hasContainer = true;
  lastFrame().contentWindow = {};
  lastFrame().load();
  expect(lastPort().options.remote).toBe(lastFrame().contentWindow);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledTimes(2);
  expect([ports.length, observers.size, getRegistry().size]).toEqual([2, 1, 1]);
  expect(events.onLost).toHaveBeenCalledOnce();
});

test("connects when its container comes into the document, long after `ready` could have waited", async () => {
  const { events, frames, lastFrame, lastPort, page, ports } = openTestConnection({ isContainerLate: true });
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(600_000);
  expect([ports.length, frames.length, vi.getTimerCount()]).toEqual([0, 1, 0]);
  page.hasContainer = true;
  lastFrame().contentWindow = {};
  lastFrame().load();
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledOnce();
  expect(frames).toHaveLength(1);
});

test("rejects nothing when its container comes into the document in the task that has opened the connection", async () => {
  const { events, lastFrame, lastPort, page } = openTestConnection({ isContainerLate: true });
  page.hasContainer = true;
  lastFrame().contentWindow = {};
  // The iframe loads later.
  await vi.advanceTimersByTimeAsync(100);
  expect(events.onLost).not.toHaveBeenCalled();
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledOnce();
});

test("keeps a connection whose container and widget come within the task that has opened it", async () => {
  const { events, lastFrame, lastPort, page, ports } = openTestConnection({ isContainerLate: true });
  page.hasContainer = true;
  lastFrame().contentWindow = {};
  lastFrame().load();
  await lastPort().connect();
  await vi.advanceTimersByTimeAsync(100);
  expect([ports.length, events.onConnected.mock.calls.length, events.onLost.mock.calls.length]).toEqual([1, 1, 0]);
});

test("reports nothing when it is closed in the task in which no iframe can be mounted", async () => {
  const { connection, events } = openTestConnection({ isContainerLate: true });
  connection.close();
  await vi.advanceTimersByTimeAsync(100);
  expect(events.onLost).not.toHaveBeenCalled();
});

test("rejects requests for good if the page has aborted before an iframe was mounted", async () => {
  const { losses, ports } = openTestConnection({ isAborted: true });
  await vi.advanceTimersByTimeAsync(0);
  expect([losses(), ports]).toEqual([[NOT_IN_DOCUMENT], []]);
});

/** Opens a connection whose iframe has left the document with its container, and is back. */
async function openPutBackConnection() {
  const opened = openTestConnection();
  const { connection, lastFrame, lastPort, page } = opened;
  await lastPort().connect();
  lastFrame().contentWindow = null;
  page.hasContainer = false;
  connection.checkFrame();
  page.hasContainer = true;
  lastFrame().contentWindow = {};
  return opened;
}

test("gives the widget in an iframe that is put back the whole handshake timeout", async () => {
  const { frames, lastFrame } = await openPutBackConnection();
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(10_000);
});

/** Opens a connection of a page without a request, whose iframe has left the document with its container. */
async function openSearchingConnection(changes: object) {
  const opened = openTestConnection();
  const { connection, lastFrame, lastPort, page } = opened;
  await lastPort().connect();
  Object.assign(page, { hasPendingWork: false, hasContainer: false }, changes);
  lastFrame().contentWindow = null;
  connection.checkFrame();
  await vi.advanceTimersByTimeAsync(52_000);
  return opened;
}

test.each(["isWatching", "isObserved"])(
  "finds within 5 s an iframe that is put back while its process crashes, so that it never loads, and then mounts another: %s",
  async (need) => {
    const { frames, lastFrame, page } = await openSearchingConnection({ [need]: true });
    page.hasContainer = true;
    lastFrame().contentWindow = {};
    // It was looked for at 50 s, and is at 55 s. The widget in it then has the whole handshake timeout.
    expect(await timeUntilMount(frames)).toBe(3_000 + 10_000);
  },
);

test.each(["isWatching", "isObserved"])(
  "mounts another iframe within 5 s of the return of a container whose iframe the page has removed: %s",
  async (need) => {
    const { frames, lastPort, page } = await openSearchingConnection({ [need]: true });
    page.hasContainer = true;
    expect(await timeUntilMount(frames)).toBe(3_000);
    await lastPort().connect();
    // The heartbeat of a page that watches is the only timer.
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
  },
);

test("mounts no iframe in a container that is back while nothing is watched", async () => {
  const { frames, page } = await openSearchingConnection({ isWatching: true });
  page.isWatching = false;
  page.hasContainer = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect([frames.length, vi.getTimerCount()]).toEqual([1, 0]);
});

test("looks for the iframe of a hidden page, without a timer, when the page is shown", async () => {
  const { lastFrame, page, ports, resumePage } = await openSearchingConnection({ isWatching: true, hidden: true });
  expect(vi.getTimerCount()).toBe(0);
  page.hidden = false;
  lastFrame().contentWindow = {};
  resumePage("visibilitychange");
  expect(ports).toHaveLength(2);
  expect(ports[1]?.options.remote).toBe(lastFrame().contentWindow);
  resumePage("visibilitychange");
  expect(ports).toHaveLength(2);
});

test("looks for no iframe after the page has stopped to watch", async () => {
  const { page } = await openSearchingConnection({ isWatching: true });
  page.isWatching = false;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("takes the iframe that is back in the document for the next request, and mounts no other", async () => {
  const { connection, frames, lastFrame, lastPort } = await openPutBackConnection();
  connection.connect();
  expect(frames).toHaveLength(1);
  expect(lastPort().options.remote).toBe(lastFrame().contentWindow);
});

test("treats an iframe that the page moves into another window's document as removed, until it is back", async () => {
  const { connection, container, lastFrame, lastPort, losses, ports } = openTestConnection();
  await lastPort().connect();
  container.ownerDocument = {};
  lastFrame().isElsewhere = true;
  lastFrame().contentWindow = {};
  connection.checkFrame();
  lastFrame().load();
  expect(losses()).toEqual([NOT_IN_DOCUMENT]);
  expect(ports).toHaveLength(1);
  lastFrame().isElsewhere = false;
  lastFrame().contentWindow = {};
  lastFrame().load();
  expect(lastPort().options.remote).toBe(lastFrame().contentWindow);
});
