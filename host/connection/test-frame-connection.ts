/** A connection with a fake clock, and with iframes and ports that the test plays. */
import { onTestFinished, vi } from "vitest";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { openWindowPort } from "../../shared/transport/penpal-port.ts";
import { type OpenConnection, prepareFrameConnection } from "./frame-connection.ts";

export const ORIGIN = "https://widget.example.com";

export const TIMEOUTS = { timeoutMs: 10_000, handshakeTimeoutMs: 10_000, retryDelayMs: 500, heartbeatMs: 2_000 };

/** An iframe without a document: the parts used by a connection. */
export class FakeFrame extends EventTarget {
  contentWindow: object | null;
  /** True while the page has moved the iframe into another window's document. */
  isElsewhere = false;
  readonly parentNode = { removeChild: () => this.remove() };
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

/** Parameters with which the connection has opened a port. */
export interface PortOptions {
  readonly remote: unknown;
  readonly origins: readonly string[];
  readonly onHandshake: (origin: string) => void;
  readonly onClosed: () => void;
}

/** The page's end of a connection to a widget that the test plays. */
export class FakePort {
  readonly options: PortOptions;
  readonly opened: Promise<void>;
  /** As in penpal, the port reports its end also when the page's own side has closed the port. */
  readonly close = vi.fn(() => this.options.onClosed());
  /** The posted events, each with the functions that settle the call. */
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

export interface TestConnectionOptions {
  /** True for a container that is not in the document yet. @default false */
  readonly isContainerLate?: boolean;
  /** True for an invisible iframe, whose place is the page's body. @default false */
  readonly hasNoContainer?: boolean;
  readonly ownFrame?: FakeFrame;
  /** True for a page that has aborted before any iframe was mounted. @default false */
  readonly isAborted?: boolean;
  /** Result of `Math.random`. 0 keeps the whole retry delay, 1 halves the delay. */
  readonly random?: number;
  readonly onLost?: Parameters<OpenConnection>[5];
}

/** A connection of a page in which requests are pending, until `page.hasPendingWork` says otherwise. */
export function openTestConnection({
  isContainerLate,
  hasNoContainer,
  ownFrame,
  isAborted,
  random = 0,
  onLost = () => {},
}: TestConnectionOptions = {}) {
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
  // Never undone: at the end of a test with several connections the last one needs them to close.
  Object.assign(globalThis, {
    addEventListener: pageEvents.addEventListener.bind(pageEvents),
    removeEventListener: pageEvents.removeEventListener.bind(pageEvents),
  });
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
    getNeed(isHidden: boolean) {
      if (page.hasPendingWork) return "request";
      if (isHidden) return undefined;
      return page.isWatching ? "watch" : page.isObserved ? "state" : undefined;
    },
    onConnected: vi.fn(),
    onResumed: vi.fn(),
    onLost: vi.fn(onLost),
  };
  const openPort: typeof openWindowPort = (_receive, remote, origins, onHandshake, onClosed) => {
    ports.push(new FakePort({ remote, origins, onHandshake, onClosed }));
    return lastPort();
  };
  const connection = prepareFrameConnection(
    ORIGIN,
    asElement(ownFrame),
    () => (hasNoContainer ? undefined : (container as Element)),
    () => {
      if (isAborted) return undefined;
      frames.push(new FakeFrame(page.hasContainer));
      return asElement(frames.at(-1));
    },
    TIMEOUTS,
    { learn() {}, forget() {}, probe() {} },
    openPort,
  )(events.clock, events.receive, events.getNeed, events.onConnected, events.onResumed, events.onLost, (ping) =>
    connection.post(ping),
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
    /** The rejections of the lost connections, `undefined` for a connection with requests that may go on. */
    losses: () => events.onLost.mock.calls.map(([reason]) => reason?.rejection),
    resumePage: (type: "online" | "pageshow" | "visibilitychange", isRestored = true) =>
      pageEvents.dispatchEvent(Object.assign(new Event(type), type === "pageshow" && { persisted: isRestored })),
  };
}

export function asElement(frame: FakeFrame): HTMLIFrameElement;

export function asElement(frame: FakeFrame | undefined): HTMLIFrameElement | undefined;

export function asElement(frame: FakeFrame | undefined): HTMLIFrameElement | undefined {
  return frame as HTMLIFrameElement | undefined;
}

/** Advances the clock until the next iframe is mounted, and returns the milliseconds until then. */
export async function timeUntilMount(frames: readonly FakeFrame[]): Promise<number> {
  const before = frames.length;
  const start = performance.now();
  while (frames.length === before) {
    if (performance.now() - start > 60_000) throw new Error("No iframe was mounted within a minute");
    await vi.advanceTimersToNextTimerAsync();
  }
  return performance.now() - start;
}

export const NOT_IN_DOCUMENT = {
  code: "CONNECTION_CLOSED",
  message: "The frame is not in the document",
  retryable: false,
};
