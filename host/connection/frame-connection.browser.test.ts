/** The connection's delays, timeouts and heartbeat, by a fake clock, with real iframes and with ports that the test drives. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { openWindowPort } from "../../shared/transport/penpal-port.ts";
import { getRegistry } from "./connection-registry.ts";
import { type FrameConnection, prepareFrameConnection } from "./frame-connection.ts";

const ORIGIN = "https://widget.example.com";

const TIMEOUTS = { timeoutMs: 10_000, handshakeTimeoutMs: 10_000, retryDelayMs: 500, heartbeatMs: 2_000 };

/** The page's end of a message channel, as the connection has opened it. */
interface FakePort {
  /** The events that the connection has posted. */
  readonly posted: unknown[];
  /** True once the connection has closed the port. */
  isClosed(): boolean;
  /** The widget's document sends its first SYN. */
  sendSyn(): void;
  /** The widget completes the handshake. */
  completeHandshake(): Promise<void>;
  /** The widget closes the connection. */
  closeByWidget(): void;
}

interface OpenPage {
  readonly connection: FrameConnection;
  /** Every iframe mounted by the connection, in order. */
  readonly frames: readonly HTMLIFrameElement[];
  /** The reason of each lost connection. */
  readonly losses: readonly (BridgeRejectionError | undefined)[];
  /** The port that was opened last. */
  port(): FakePort;
  /** The latest iframe reports its load. */
  load(): void;
  /** The widget sends its SYN and completes the handshake. */
  connectWidget(): Promise<void>;
  setPendingWork(isPending: boolean): void;
  /** Decides whether the widget replies to events. */
  setReplying(isReplying: boolean): void;
  countConnected(): number;
  countPings(): number;
}

interface PageOptions {
  readonly origin?: string;
  readonly ownFrame?: HTMLIFrameElement;
  /** Called for each iframe before it is mounted. */
  readonly onMount?: () => void;
}

/** Stops the clock, and makes each retry delay as long as it can be. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

/** Opens a connection with pending work, whose clock stands still. */
function openPage({ origin = ORIGIN, ownFrame, onMount }: PageOptions = {}): OpenPage {
  if (!vi.isFakeTimers()) stopClock();
  const frames: HTMLIFrameElement[] = [];
  const ports: FakePort[] = [];
  const losses: (BridgeRejectionError | undefined)[] = [];
  const clock = createTimerQueue();
  let isPending = true;
  let isReplying = true;
  let connected = 0;

  function mount(): HTMLIFrameElement {
    onMount?.();
    const frame = document.createElement("iframe");
    // The test reports each load, so that the browser's own report of the blank document does not count.
    frame.addEventListener("load", (event) => event.isTrusted && event.stopImmediatePropagation());
    document.body.append(frame);
    frames.push(frame);
    return frame;
  }

  const openPort: typeof openWindowPort = (_receive, _remote, _origins, onHandshake, onClosed) => {
    const posted: unknown[] = [];
    let isClosed = false;
    let resolveOpened = (): void => {};
    const opened = new Promise<void>((resolve) => {
      resolveOpened = resolve;
    });
    ports.push({
      posted,
      isClosed: () => isClosed,
      sendSyn: () => onHandshake(origin),
      async completeHandshake() {
        resolveOpened();
        await opened;
      },
      closeByWidget: onClosed,
    });
    return {
      opened,
      async post(event) {
        posted.push(event);
        if (!isReplying) await new Promise(() => {});
      },
      close() {
        isClosed = true;
      },
    };
  };

  const connection = prepareFrameConnection(
    origin,
    ownFrame,
    () => undefined,
    mount,
    TIMEOUTS,
    { learn() {}, forget() {}, probe() {} },
    openPort,
  )(
    clock,
    () => undefined,
    () => (isPending ? "request" : undefined),
    () => void (connected += 1),
    () => {},
    (reason) => void losses.push(reason),
    (ping) => connection.post(ping),
  );
  onTestFinished(() => {
    connection.close();
    clock.clear();
    for (const frame of frames) frame.remove();
  });

  function port(): FakePort {
    const last = ports.at(-1);
    if (!last) throw new Error("The connection has opened no port");
    return last;
  }

  return {
    connection,
    frames,
    losses,
    port,
    load: () => void (ownFrame ?? frames.at(-1))?.dispatchEvent(new Event("load")),
    async connectWidget() {
      port().sendSyn();
      await port().completeHandshake();
    },
    setPendingWork(value) {
      isPending = value;
    },
    setReplying(value) {
      isReplying = value;
    },
    countConnected: () => connected,
    countPings: () =>
      ports.flatMap(({ posted }) => posted).filter((event) => Reflect.get(Object(event), "type") === "BUS.PING").length,
  };
}

/** Expects the next iframe after exactly the given delay, in place of the last iframe. */
async function expectRemountAfter({ frames }: OpenPage, milliseconds: number): Promise<void> {
  const { length } = frames;
  await vi.advanceTimersByTimeAsync(milliseconds - 1);
  expect(frames).toHaveLength(length);
  await vi.advanceTimersByTimeAsync(1);
  expect(frames).toHaveLength(length + 1);
  expect(frames.map(({ isConnected }) => isConnected)).toEqual([...Array<boolean>(length).fill(false), true]);
}

test("doubles the retry delay with each failed attempt, up to half of handshakeTimeoutMs", async () => {
  const page = openPage();
  for (const delay of [500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
    page.load();
    await expectRemountAfter(page, delay);
  }
});

test.for<[random: number, first: number, capped: number]>([
  [0, 500, 5_000],
  [0.5, 375, 3_750],
  [1, 250, 2_500],
])(
  "shortens each retry delay by a random half at most: a random number of %d gives %d ms, and %d ms at the cap",
  async ([random, first, capped]) => {
    const page = openPage();
    vi.mocked(Math.random).mockReturnValue(random);
    page.load();
    await expectRemountAfter(page, first);
    for (let attempt = 1; attempt < 4; attempt += 1) {
      page.load();
      await vi.advanceTimersByTimeAsync(5_000);
    }
    page.load();
    await expectRemountAfter(page, capped);
  },
);

test("begins with retryDelayMs again after a handshake, however many attempts had failed before", async () => {
  const page = openPage();
  for (const delay of [500, 1_000, 2_000]) {
    page.load();
    await expectRemountAfter(page, delay);
  }
  await page.connectWidget();
  expect(page.countConnected()).toBe(1);
  page.port().closeByWidget();
  page.load();
  await expectRemountAfter(page, 500);
});

test("waits handshakeTimeoutMs for the first iframe, and half as long for each one after a failed attempt", async () => {
  const page = openPage();
  for (const delay of [10_000, 5_000, 5_000]) await expectRemountAfter(page, delay);
});

test("mounts a new iframe handshakeTimeoutMs after a SYN without a handshake while work is pending", async () => {
  const page = openPage();
  await vi.advanceTimersByTimeAsync(9_000);
  page.port().sendSyn();
  const { port } = page;
  const first = port();
  await expectRemountAfter(page, 10_000);
  expect(first.isClosed()).toBe(true);
});

test("parks after a handshake timeout without pending work, until connect mounts a new iframe", async () => {
  const page = openPage();
  page.setPendingWork(false);
  page.port().sendSyn();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(page.frames).toHaveLength(1);
  expect(page.frames[0]?.isConnected).toBe(true);
  page.connection.connect();
  expect(page.frames.map(({ isConnected }) => isConnected)).toEqual([false, true]);
  await page.connectWidget();
  expect(page.countConnected()).toBe(1);
});

test("parks when the retry timer fires without pending work, and still connects to a widget that is late", async () => {
  const page = openPage();
  page.setPendingWork(false);
  page.load();
  await vi.advanceTimersByTimeAsync(60_000);
  await page.connectWidget();
  expect(page.countConnected()).toBe(1);
  expect(page.frames).toHaveLength(1);
});

test("mounts nothing on connect while it is loading, handshaking or open", async () => {
  const page = openPage();
  page.connection.connect();
  page.port().sendSyn();
  page.connection.connect();
  await page.port().completeHandshake();
  page.connection.connect();
  expect(page.frames).toHaveLength(1);
  expect(page.losses).toEqual([]);
});

test("pings the widget each heartbeatMs while work is pending, and no more after that", async () => {
  const page = openPage();
  await page.connectWidget();
  await page.connection.post({ type: "TEST.REQUEST" });
  for (const pings of [1, 2, 3]) {
    await vi.advanceTimersByTimeAsync(1_999);
    expect(page.countPings()).toBe(pings - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(page.countPings()).toBe(pings);
  }
  page.setPendingWork(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(page.countPings()).toBe(3);
  expect(vi.getTimerCount()).toBe(0);
});

test("starts no heartbeat for an event that is posted without pending work, and starts it for the next request", async () => {
  const page = openPage();
  await page.connectWidget();
  page.setPendingWork(false);
  await page.connection.post({ type: "TEST.NOTICE" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(page.countPings()).toBe(0);
  page.setPendingWork(true);
  await page.connection.post({ type: "TEST.REQUEST" });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(page.countPings()).toBe(1);
});

test("remounts every connection of the origin after a heartbeat without a reply, and none of another origin", async () => {
  stopClock();
  const connectedAtMount: boolean[][] = [];
  const pages: OpenPage[] = [];
  const onMount = (): void => {
    if (pages.length === 3) connectedAtMount.push(pages.map(({ frames }) => frames[0]?.isConnected === true));
  };
  for (const origin of [ORIGIN, ORIGIN, "https://other.example.com"]) {
    const page = openPage({ origin, onMount });
    await page.connectWidget();
    pages.push(page);
  }
  const [hanging] = pages;
  hanging?.setReplying(false);
  void hanging?.connection.post({ type: "TEST.REQUEST" });
  await vi.advanceTimersByTimeAsync(3_999);
  expect(pages.map(({ frames }) => frames.length)).toEqual([1, 1, 1]);
  await vi.advanceTimersByTimeAsync(1);
  expect(pages.map(({ frames }) => frames.length)).toEqual([2, 2, 1]);
  expect(pages.map(({ losses }) => losses)).toEqual([[undefined], [undefined], []]);
  // A new process starts only when every iframe of the origin is gone: both are, before the first new one is mounted.
  expect(connectedAtMount).toEqual([
    [false, false, true],
    [false, false, true],
  ]);
});

test("is in the registry once while it has an iframe, and leaves it when the page removes the iframe", async () => {
  const page = openPage();
  expect(getRegistry().size).toBe(1);
  page.load();
  await expectRemountAfter(page, 500);
  expect(getRegistry().size).toBe(1);
  await page.connectWidget();
  page.frames[1]?.remove();
  page.connection.checkFrame();
  expect(getRegistry().size).toBe(0);
  expect(page.losses).toMatchObject([
    { rejection: { code: "CONNECTION_CLOSED", message: "The frame is not in the document" } },
  ]);
});

test.for(["loading", "handshaking", "open", "parked"] as const)(
  "leaves no iframe, port or registry entry when it is closed while %s, and no later event brings one back",
  async (state) => {
    const page = openPage();
    if (state === "handshaking") page.port().sendSyn();
    if (state === "open") await page.connectWidget();
    if (state === "parked") {
      page.setPendingWork(false);
      await vi.advanceTimersByTimeAsync(10_000);
      page.setPendingWork(true);
    }
    const [entry] = getRegistry();
    page.connection.close();
    expect(page.port().isClosed()).toBe(true);
    dispatchEvent(new Event("online"));
    page.load();
    page.connection.connect();
    entry?.drop();
    entry?.renew();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(page.frames.map(({ isConnected }) => isConnected)).toEqual([false]);
    expect(document.querySelectorAll("iframe")).toHaveLength(0);
    expect(getRegistry().size).toBe(0);
  },
);

test("leaves an iframe of the page's own in its place, with no retry while it is open and no entry after it is closed", async () => {
  stopClock();
  const ownFrame = document.createElement("iframe");
  document.body.append(ownFrame);
  onTestFinished(() => ownFrame.remove());
  const page = openPage({ ownFrame });
  page.load();
  await vi.advanceTimersByTimeAsync(60_000);
  page.connection.close();
  expect(page.frames).toEqual([]);
  expect(ownFrame.isConnected).toBe(true);
  expect(getRegistry().size).toBe(0);
});
