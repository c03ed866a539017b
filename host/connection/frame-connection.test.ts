/** The connection's states, timers and losses, with a fake clock and with iframes and ports that the test plays itself. */
import { expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { openWindowPort } from "../../shared/transport/penpal-port.ts";
import { getRegistry, remountAll } from "./connection-registry.ts";
import { type ConnectionEvents, openFrameConnection } from "./frame-connection.ts";

const ORIGIN = "https://widget.example.com";

const TIMEOUTS = { timeoutMs: 10_000, handshakeTimeoutMs: 10_000, retryDelayMs: 500, heartbeatMs: 2_000 };

/** An iframe without a document: the parts of it that a connection uses. */
class FakeFrame extends EventTarget {
  contentWindow: object | null;
  /** True while the page has moved the iframe into another window's document. */
  isElsewhere = false;
  readonly parentNode = null;
  readonly remove = vi.fn(() => {
    this.contentWindow = null;
  });

  constructor(isInDocument = true) {
    super();
    this.contentWindow = isInDocument ? {} : null;
  }

  get isConnected(): boolean {
    return this.contentWindow !== null;
  }

  get ownerDocument(): unknown {
    return this.isElsewhere ? {} : document;
  }

  load(): void {
    this.dispatchEvent(new Event("load"));
  }
}

type PortOptions = Parameters<typeof openWindowPort>[0];

/** The page's end of a connection to a widget that the test plays. */
class FakePort {
  readonly options: PortOptions;
  readonly opened: Promise<void>;
  /** As penpal does, it reports its end also when the page's own side has closed it. */
  readonly close = vi.fn(() => this.options.onClosed());
  /** The events that were posted, each with the functions that settle its call. */
  readonly posted: { readonly event: unknown; readonly reply: () => void; readonly reject: () => void }[] = [];
  #open = (): void => {};

  constructor(options: PortOptions) {
    this.options = options;
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  post(event: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.posted.push({ event, reply: () => resolve({}), reject: () => reject(new Error("closed")) });
    });
  }

  sendSyn(): void {
    this.options.onHandshake(ORIGIN);
  }

  async connect(): Promise<void> {
    this.sendSyn();
    this.#open();
    await this.opened;
  }

  pings(): number {
    return this.posted.filter(({ event }) => Object(event).type === "BUS.PING").length;
  }
}

interface SetUpOptions {
  /** True for a container that is not in the document yet. @default false */
  readonly isContainerLate?: boolean;
  /** True for an invisible iframe, whose place is the page's body. @default false */
  readonly hasNoContainer?: boolean;
  readonly ownFrame?: FakeFrame;
  /** Result of `Math.random`. 0 leaves a retry delay as it is, 1 halves it. */
  readonly random?: number;
  readonly onDisconnected?: ConnectionEvents["onDisconnected"];
}

/** A connection of a page in which requests are pending, until `page.hasPendingWork` says otherwise. */
function setUp({
  isContainerLate,
  hasNoContainer,
  ownFrame,
  random = 0,
  onDisconnected = () => {},
}: SetUpOptions = {}) {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(random);
  const page = {
    hasPendingWork: true,
    isWatching: false,
    isObserved: false,
    hasContainer: !isContainerLate,
    hidden: false,
  };
  const container = {
    get isConnected() {
      return page.hasContainer;
    },
    ownerDocument: page as object,
  };
  const pageEvents = new EventTarget();
  const observers = new Set<() => void>();
  vi.stubGlobal("addEventListener", pageEvents.addEventListener.bind(pageEvents));
  vi.stubGlobal("document", page);
  vi.stubGlobal(
    "MutationObserver",
    class {
      readonly #callback: () => void;
      constructor(callback: () => void) {
        this.#callback = callback;
      }
      observe(): void {
        observers.add(this.#callback);
      }
      disconnect(): void {
        observers.delete(this.#callback);
      }
    },
  );
  const frames: FakeFrame[] = [];
  const ports: FakePort[] = [];
  const events = {
    clock: createTimerQueue(),
    receive: () => undefined,
    hasPendingWork: () => page.hasPendingWork,
    isWatching: () => page.isWatching,
    isWanted: () => page.hasPendingWork || page.isWatching || page.isObserved,
    onConnected: vi.fn(),
    onPageResumed: vi.fn(),
    onDisconnected: vi.fn(onDisconnected),
  };
  const connection = openFrameConnection(
    {
      origin: ORIGIN,
      ownFrame: asElement(ownFrame),
      container: hasNoContainer ? undefined : (container as Element),
      mount() {
        frames.push(new FakeFrame(page.hasContainer));
        return asElement(frames.at(-1));
      },
      timeouts: TIMEOUTS,
      openPort(options) {
        ports.push(new FakePort(options));
        return lastPort();
      },
    },
    events,
  );
  onTestFinished(() => {
    connection.close();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  function lastPort(): FakePort {
    const port = ports.at(-1);
    if (!port) throw new Error("The connection opened no port");
    return port;
  }

  function lastFrame(): FakeFrame {
    const frame = ownFrame ?? frames.at(-1);
    if (!frame) throw new Error("The connection mounted no iframe");
    return frame;
  }

  return {
    connection,
    events,
    frames,
    ports,
    page,
    container,
    observers,
    lastPort,
    lastFrame,
    /** The rejections of the lost connections, `undefined` for those whose requests may go on. */
    losses: () => events.onDisconnected.mock.calls.map(([reason]) => reason?.rejection),
    resumePage: (type: "online" | "pageshow" | "visibilitychange", isRestored = true) =>
      pageEvents.dispatchEvent(Object.assign(new Event(type), type === "pageshow" && { persisted: isRestored })),
  };
}

function asElement(frame: FakeFrame): HTMLIFrameElement;
function asElement(frame: FakeFrame | undefined): HTMLIFrameElement | undefined;
function asElement(frame: FakeFrame | undefined): HTMLIFrameElement | undefined {
  return frame as HTMLIFrameElement | undefined;
}

/** Advances the clock until another iframe is mounted, and returns the milliseconds that took. */
async function timeUntilMount(frames: readonly FakeFrame[]): Promise<number> {
  const before = frames.length;
  const start = performance.now();
  while (frames.length === before) {
    if (performance.now() - start > 60_000) throw new Error("No iframe was mounted within a minute");
    await vi.advanceTimersToNextTimerAsync();
  }
  return performance.now() - start;
}

test("mounts an iframe at once, and another one when no SYN has come within the handshake timeout", async () => {
  const { frames } = setUp();
  expect(frames).toHaveLength(1);
  expect(await timeUntilMount(frames)).toBe(10_000);
  expect(frames[0]?.remove).toHaveBeenCalledOnce();
});

test("halves the handshake timeout after a failed attempt, for requests that wait no longer", async () => {
  const { frames } = setUp();
  await timeUntilMount(frames);
  expect(await timeUntilMount(frames)).toBe(5_000);
});

test("doubles the delay after each document without a widget, up to half of the handshake timeout", async () => {
  const { frames, lastFrame } = setUp();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    lastFrame().load();
    delays.push(await timeUntilMount(frames));
  }
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
});

test.each([
  [0, 500],
  [0.25, 438],
  [0.5, 375],
  [1, 250],
])("leaves half of each delay to chance: with a random number of %d it waits %d ms", async (random, delay) => {
  const { frames, lastFrame } = setUp({ random });
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(delay);
});

test("starts with the first delay again after a handshake", async () => {
  const { frames, lastFrame, lastPort, events } = setUp();
  for (let attempt = 0; attempt < 4; attempt += 1) {
    lastFrame().load();
    await timeUntilMount(frames);
  }
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledOnce();
  // The iframe shows a page that is no widget: the ping has no reply within 2,000 ms, and the delay of 500 ms follows.
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(2_500);
});

test("gives a handshake that has begun late the whole handshake timeout", async () => {
  const { frames, lastPort } = setUp();
  await vi.advanceTimersByTimeAsync(9_999);
  lastPort().sendSyn();
  expect(await timeUntilMount(frames)).toBe(10_000);
});

test("mounts another iframe half a handshake timeout after a load during the handshake", async () => {
  const { frames, lastFrame, lastPort } = setUp();
  await vi.advanceTimersByTimeAsync(1_000);
  lastPort().sendSyn();
  // Another document, which has replaced the widget before the handshake ended.
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(5_000);
});

test("leaves a busy page half a handshake timeout after the load of the widget, and sets no retry timer after the handshake", async () => {
  const { frames, lastFrame, lastPort } = setUp();
  lastPort().sendSyn();
  lastFrame().load();
  await vi.advanceTimersByTimeAsync(4_999);
  await lastPort().connect();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(frames).toHaveLength(1);
});

test("mounts no iframe while nothing is pending, and one for the next request", async () => {
  const { connection, frames, page } = setUp();
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(frames).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
  connection.ensureConnecting();
  expect(frames).toHaveLength(2);
  connection.ensureConnecting();
  expect(frames).toHaveLength(2);
});

test("accepts the SYN of a widget that comes after the attempt has failed", async () => {
  const { connection, frames, page, lastPort, events } = setUp();
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(600_000);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledOnce();
  connection.ensureConnecting();
  expect(frames).toHaveLength(1);
});

test("sends a ping each heartbeat interval while requests are pending, and none from then on", async () => {
  const { connection, page, lastPort } = setUp();
  await lastPort().connect();
  const port = lastPort();
  void connection.post({ type: "TEST.ASK" });
  const pings: number[] = [];
  for (let interval = 0; interval < 4; interval += 1) {
    await vi.advanceTimersByTimeAsync(2_000);
    pings.push(port.pings());
    port.posted.at(-1)?.reply();
  }
  expect(pings).toEqual([1, 2, 3, 4]);
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(port.pings()).toBe(4);
});

test("sends a ping each 15 s while it watches, with one timer at a time, and each heartbeat interval during a request", async () => {
  const { connection, page, lastPort } = setUp();
  await lastPort().connect();
  const port = lastPort();
  const pings: number[] = [];
  const pingTimes = async (milliseconds: number): Promise<number[]> => {
    pings.length = 0;
    for (let elapsed = 0; elapsed < milliseconds; elapsed += 500) {
      await vi.advanceTimersByTimeAsync(500);
      if (Object(port.posted.at(-1)?.event).type !== "BUS.PING") continue;
      port.posted.splice(-1)[0]?.reply();
      pings.push(elapsed + 500);
    }
    return pings;
  };
  page.isWatching = true;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  expect(await pingTimes(6_000)).toEqual([2_000, 4_000, 6_000]);
  page.hasPendingWork = false;
  const setTimeouts = vi.spyOn(globalThis, "setTimeout");
  // The heartbeat of the last request finds no request any more, and the longer interval begins.
  expect(await pingTimes(62_000)).toEqual([17_000, 32_000, 47_000, 62_000]);
  expect(setTimeouts.mock.calls.length).toBeLessThanOrEqual(5);
  page.hasPendingWork = true;
  void connection.post({ type: "TEST.ASK" });
  expect(await pingTimes(5_000)).toEqual([2_000, 4_000]);
});

test("finds a widget that hangs within 30 s while it only watches, and mounts a new iframe", async () => {
  const { connection, frames, page, lastPort, events } = setUp();
  await lastPort().connect();
  page.isWatching = true;
  page.hasPendingWork = false;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  lastPort().posted[0]?.reply();
  expect(await timeUntilMount(frames)).toBeLessThanOrEqual(30_000);
  expect(events.onDisconnected).toHaveBeenCalledExactlyOnceWith();
});

test("runs no timer while it watches on a hidden page, and the heartbeat from the next message on", async () => {
  const { connection, page, lastPort } = setUp();
  await lastPort().connect();
  page.isWatching = true;
  page.hasPendingWork = false;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  page.hidden = true;
  await vi.advanceTimersByTimeAsync(15_000);
  expect([lastPort().pings(), vi.getTimerCount()]).toEqual([0, 0]);
  page.hidden = false;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(lastPort().pings()).toBe(1);
});

test.each(["isWatching", "isObserved"] as const)(
  "goes on trying without a request while the page is visible and %s, and again as soon as it is shown",
  async (reason) => {
    const { frames, page, resumePage } = setUp();
    page.hasPendingWork = false;
    page[reason] = true;
    expect(await timeUntilMount(frames)).toBe(10_000);
    expect(await timeUntilMount(frames)).toBe(5_000);
    page.hidden = true;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(frames).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
    page.hidden = false;
    resumePage("visibilitychange");
    expect(frames).toHaveLength(4);
    page[reason] = false;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(frames).toHaveLength(4);
  },
);

test("sends no ping for a request that is settled within the heartbeat interval", async () => {
  const { connection, page, lastPort } = setUp();
  await lastPort().connect();
  void connection.post({ type: "TEST.ASK" });
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lastPort().pings()).toBe(0);
});

test("sends no ping before the handshake", async () => {
  const { ports, lastPort } = setUp();
  await vi.advanceTimersByTimeAsync(9_000);
  expect(ports).toHaveLength(1);
  expect(lastPort().posted).toEqual([]);
});

test("removes every iframe of the origin when a ping has no reply, and mounts new ones only then", async () => {
  const hung = setUp();
  const other = setUp();
  await hung.lastPort().connect();
  await other.lastPort().connect();
  void hung.connection.post({ type: "TEST.ASK" });
  const removals = other.frames[0]?.remove.mock;
  expect(await timeUntilMount(hung.frames)).toBe(4_000);
  expect([hung.frames.length, other.frames.length]).toEqual([2, 2]);
  expect(removals?.calls).toHaveLength(1);
  expect(hung.events.onDisconnected).toHaveBeenCalledExactlyOnceWith();
  expect(other.events.onDisconnected).toHaveBeenCalledExactlyOnceWith();
});

test.each(["reply", "reject"] as const)("keeps the iframe when a ping has a %s", async (outcome) => {
  const { connection, frames, lastPort } = setUp();
  await lastPort().connect();
  void connection.post({ type: "TEST.ASK" });
  for (let interval = 0; interval < 10; interval += 1) {
    await vi.advanceTimersByTimeAsync(2_000);
    lastPort().posted.at(-1)?.[outcome]();
  }
  expect(frames).toHaveLength(1);
});

test("connects again in the same iframe when another handshake begins over an open connection", async () => {
  const { events, frames, ports, lastPort } = setUp();
  const port = lastPort();
  await port.connect();
  port.sendSyn();
  expect(port.close).toHaveBeenCalledOnce();
  expect(events.onDisconnected).toHaveBeenCalledExactlyOnceWith(undefined);
  expect([frames.length, ports.length]).toEqual([1, 2]);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledTimes(2);
});

test("connects again in the same iframe when the widget has closed the connection", async () => {
  const { events, frames, ports, lastPort } = setUp();
  await lastPort().connect();
  lastPort().options.onClosed();
  expect(events.onDisconnected).toHaveBeenCalledExactlyOnceWith(undefined);
  expect([frames.length, ports.length]).toEqual([1, 2]);
  // The iframe that no widget connects from is replaced like any other.
  expect(await timeUntilMount(frames)).toBe(10_000);
});

test("ignores a port that has closed before the handshake, and one that it has closed itself", async () => {
  const { events, ports, frames } = setUp();
  const [first] = ports;
  first?.options.onClosed();
  expect(ports).toHaveLength(1);
  await timeUntilMount(frames);
  await first?.connect();
  expect(events.onConnected).not.toHaveBeenCalled();
});

test("opens a port to the new window of an iframe that was moved", async () => {
  const { connection, events, frames, ports, lastFrame, lastPort } = setUp();
  await lastPort().connect();
  connection.detectFrameMove();
  expect(ports).toHaveLength(1);
  const moved = {};
  lastFrame().contentWindow = moved;
  connection.detectFrameMove();
  expect(ports[0]?.close).toHaveBeenCalledOnce();
  expect(lastPort().options.remote).toBe(moved);
  expect(events.onDisconnected).toHaveBeenCalledExactlyOnceWith(undefined);
  expect(frames).toHaveLength(1);
});

test("rejects requests when the iframe was removed, and keeps nothing of the page", async () => {
  const { events, lastFrame, lastPort, losses, observers, resumePage } = setUp();
  await lastPort().connect();
  lastFrame().remove();
  for (const notify of observers) notify();
  expect(losses()).toEqual([
    { code: "CONNECTION_CLOSED", message: "The frame is not in the document", retryable: true },
  ]);
  expect([observers.size, vi.getTimerCount(), getRegistry().size]).toEqual([0, 1, 0]);
  resumePage("online");
  lastFrame().load();
  expect(events.onPageResumed).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(vi.getTimerCount()).toBe(0);
});

const NOT_IN_DOCUMENT = {
  code: "CONNECTION_CLOSED",
  message: "The frame is not in the document",
  retryable: false,
};

test("rejects requests for good while its container is not in the document, and mounts for the next one when it is back", async () => {
  const { connection, frames, lastFrame, lastPort, losses, page } = setUp();
  await lastPort().connect();
  page.hasContainer = false;
  lastFrame().contentWindow = null;
  connection.detectFrameMove();
  expect(losses()).toEqual([NOT_IN_DOCUMENT]);
  connection.ensureConnecting();
  await vi.advanceTimersByTimeAsync(0);
  expect(losses()).toEqual([NOT_IN_DOCUMENT, NOT_IN_DOCUMENT]);
  const { length } = frames;
  page.hasContainer = true;
  connection.ensureConnecting();
  expect(frames).toHaveLength(length + 1);
  expect(lastFrame().contentWindow).not.toBeNull();
});

test("lets requests be repeated when an invisible iframe has gone with the page's body, for which there is another", async () => {
  const { connection, lastFrame, lastPort, losses, frames } = setUp({ hasNoContainer: true });
  await lastPort().connect();
  lastFrame().contentWindow = null;
  connection.detectFrameMove();
  expect(losses()).toEqual([{ ...NOT_IN_DOCUMENT, retryable: true }]);
  connection.ensureConnecting();
  expect(frames).toHaveLength(2);
});

test("reports in a later task that no iframe can be mounted, so that a page that asks again at once does not hang", async () => {
  const { connection, events, lastFrame, page } = setUp({ onDisconnected: () => connection.ensureConnecting() });
  page.hasContainer = false;
  lastFrame().contentWindow = null;
  connection.detectFrameMove();
  const timer = vi.fn();
  setTimeout(timer, 20);
  for (let turn = 0; turn < 1_000; turn += 1) await Promise.resolve();
  expect(events.onDisconnected).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(20);
  expect(timer).toHaveBeenCalledOnce();
});

test.each<[string, boolean]>([
  ["its container", false],
  ["the page's own iframe", true],
])("connects again by itself when %s was taken out and is put back in a later task", async (_what, isOwn) => {
  const ownFrame = isOwn ? new FakeFrame() : undefined;
  const { events, lastFrame, lastPort, observers, page, ports } = setUp(ownFrame && { ownFrame });
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
  expect(events.onDisconnected).toHaveBeenCalledOnce();
});

test("connects when its container comes into the document, long after `ready` could have waited", async () => {
  const { events, frames, lastFrame, lastPort, page, ports } = setUp({ isContainerLate: true });
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

test("takes the iframe that is back in the document for the next request, and mounts no other", async () => {
  const { connection, frames, lastFrame, lastPort, page } = setUp();
  await lastPort().connect();
  lastFrame().contentWindow = null;
  page.hasContainer = false;
  connection.detectFrameMove();
  page.hasContainer = true;
  lastFrame().contentWindow = {};
  connection.ensureConnecting();
  expect(frames).toHaveLength(1);
  expect(lastPort().options.remote).toBe(lastFrame().contentWindow);
});

test("treats an iframe that the page moves into another window's document as removed, until it is back", async () => {
  const { connection, container, lastFrame, lastPort, losses, ports } = setUp();
  await lastPort().connect();
  container.ownerDocument = {};
  lastFrame().isElsewhere = true;
  lastFrame().contentWindow = {};
  connection.detectFrameMove();
  lastFrame().load();
  expect(losses()).toEqual([NOT_IN_DOCUMENT]);
  expect(ports).toHaveLength(1);
  lastFrame().isElsewhere = false;
  lastFrame().contentWindow = {};
  lastFrame().load();
  expect(lastPort().options.remote).toBe(lastFrame().contentWindow);
});

test("mounts a new iframe when the network is back and requests are pending", () => {
  const { frames, page, resumePage } = setUp();
  page.hasPendingWork = false;
  resumePage("online");
  expect(frames).toHaveLength(1);
  page.hasPendingWork = true;
  resumePage("online");
  expect(frames).toHaveLength(2);
});

test.each(["pageshow", "visibilitychange"] as const)(
  "mounts a new iframe on %s after a failed attempt only, and not while the page is hidden",
  async (type) => {
    const { frames, page, resumePage } = setUp();
    resumePage(type);
    expect(frames).toHaveLength(1);
    await timeUntilMount(frames);
    page.hidden = true;
    resumePage(type);
    expect(frames).toHaveLength(2);
    page.hidden = false;
    resumePage(type);
    expect(frames).toHaveLength(3);
  },
);

test("reports a resumed page while it is connected, and leaves the iframe", async () => {
  const { events, frames, lastPort, resumePage } = setUp();
  await lastPort().connect();
  // The first load of the page ends with this event too.
  resumePage("pageshow", false);
  expect(events.onPageResumed).not.toHaveBeenCalled();
  resumePage("visibilitychange");
  expect(events.onPageResumed).toHaveBeenCalledOnce();
  expect(frames).toHaveLength(1);
});

test("never removes a page's own iframe, and never retries in it by itself", async () => {
  const ownFrame = new FakeFrame();
  const { connection, ports, frames } = setUp({ ownFrame });
  ownFrame.load();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(600_000);
  connection.ensureConnecting();
  connection.close();
  expect(ownFrame.remove).not.toHaveBeenCalled();
  expect([ports.length, frames.length]).toEqual([1, 0]);
});

test("rejects requests when a page's own iframe hangs, and accepts the next document in it", async () => {
  const ownFrame = new FakeFrame();
  const { events, ports, lastPort } = setUp({ ownFrame });
  await lastPort().connect();
  remountAll(ORIGIN);
  expect(events.onDisconnected).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ rejection: expect.objectContaining({ code: "WIDGET_UNAVAILABLE" }) }),
  );
  expect(ports).toHaveLength(2);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledTimes(2);
});

test("connects to a page's own iframe again that was put back after a request without it", async () => {
  const ownFrame = new FakeFrame();
  const { connection, events, losses, ports, lastPort } = setUp({ ownFrame });
  await lastPort().connect();
  ownFrame.contentWindow = null;
  connection.detectFrameMove();
  connection.ensureConnecting();
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
  const { connection } = setUp({ ownFrame });
  expect(() => setUp({ ownFrame })).toThrow(/^frame: expected no other connector on it/);
  connection.close();
  expect(() => setUp({ ownFrame })).not.toThrow();
});

test("keeps nothing of the page when it is closed, and never connects again", async () => {
  const { connection, events, frames, lastPort, observers, resumePage } = setUp();
  const [registered] = getRegistry();
  await lastPort().connect();
  connection.close();
  expect(frames[0]?.remove).toHaveBeenCalledOnce();
  expect(lastPort().close).toHaveBeenCalledOnce();
  expect([observers.size, getRegistry().size]).toEqual([0, 0]);
  registered?.drop();
  registered?.renew();
  connection.ensureConnecting();
  resumePage("online");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(frames).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
  expect(events.onDisconnected).not.toHaveBeenCalled();
});

test.each<[string, (world: ReturnType<typeof setUp>) => void]>([
  ["another handshake begins", ({ lastPort }) => lastPort().sendSyn()],
  ["the widget closes the connection", ({ lastPort }) => lastPort().options.onClosed()],
  ["the widget hangs", () => remountAll(ORIGIN)],
  [
    "the iframe is removed",
    ({ connection, lastFrame }) => {
      lastFrame().contentWindow = null;
      connection.detectFrameMove();
    },
  ],
])("stays closed when it is closed by a listener to its loss, as %s", async (_cause, lose) => {
  let close = (): void => {};
  const world = setUp({ onDisconnected: () => close() });
  close = world.connection.close;
  await world.lastPort().connect();
  lose(world);
  await vi.advanceTimersByTimeAsync(600_000);
  world.connection.ensureConnecting();
  expect(world.frames).toHaveLength(1);
  expect(world.ports.every((port) => port.close.mock.calls.length === 1)).toBe(true);
  expect([vi.getTimerCount(), world.observers.size, getRegistry().size]).toEqual([0, 0, 0]);
});

test("does not bring back a connection that a listener closes while its neighbours are removed", async () => {
  let close = (): void => {};
  const hung = setUp({ onDisconnected: () => close() });
  const neighbour = setUp();
  close = neighbour.connection.close;
  await hung.lastPort().connect();
  await neighbour.lastPort().connect();
  remountAll(ORIGIN);
  expect([hung.frames.length, neighbour.frames.length]).toEqual([2, 1]);
  expect(neighbour.events.onDisconnected).not.toHaveBeenCalled();
});

test.each<[string, (world: ReturnType<typeof setUp>) => void]>([
  ["a check of the iframe", ({ connection }) => connection.detectFrameMove()],
  ["a SYN", ({ lastPort }) => lastPort().sendSyn()],
  ["the load of an iframe that was put back", ({ lastFrame }) => lastFrame().load()],
])("ignores %s after it is closed", async (_event, happen) => {
  const ownFrame = new FakeFrame();
  const world = setUp({ ownFrame });
  await world.lastPort().connect();
  world.connection.close();
  happen(world);
  world.connection.ensureConnecting();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(world.ports).toHaveLength(1);
  expect(world.events.onDisconnected).not.toHaveBeenCalled();
  expect([vi.getTimerCount(), world.observers.size, getRegistry().size]).toEqual([0, 0, 0]);
});

test("posts to the connected widget, and resolves with nothing without one", async () => {
  const { connection, lastPort } = setUp();
  await lastPort().connect();
  const posted = connection.post({ type: "TEST.ASK" });
  lastPort().posted[0]?.reply();
  expect(await posted).toEqual({});
  connection.close();
  expect(await connection.post({ type: "TEST.ASK" })).toBeUndefined();
});
