/** A fake browser with tabs and shared workers, and a gateway with streams. Runs on fake timers. */
import { vi } from "vitest";
import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { GatewayClient, TokenVerification } from "../../gateway/gateway-client.ts";
import type { ChangeFeed, FeedEvent, OpenFeed } from "../change-feed.ts";
import type { FollowedUsers } from "../followed-users.ts";
import { createSharedFeed } from "./shared-feed.ts";
import { createTabHub } from "./tab-hub.ts";
import type { StreamWorker } from "./worker-feed.ts";
import type { Port, TabMessage, TabPort, WorkerMessage } from "./worker-message.ts";

export interface TestTabView {
  /** Versions of the followed users that the tab's page keeps, by user. */
  readonly versions: ReadonlyMap<number, number>;
  readonly events: readonly FeedEvent[];
  /** True if the tab has a separate stream. */
  hasOwnStream(): boolean;
  /** Follows these users, drops all others, and fetches the added ones: the gateway reads them at once. */
  follow(userIds: FollowedUsers): void;
  /** Resumes the page. */
  checkConnection(): void;
  /** The page has given another token of the same subject. */
  retryNow(): void;
  close(): void;
  /** Stops sending and receiving. */
  crash(): void;
  /** The browser announces the freezing, or the resuming, of the tab. */
  sleep(): void;
  awake(): void;
  hide(isHidden: boolean): void;
  /** Rejects the page's token from now on. */
  rejectToken(): void;
  isPresent(): boolean;
}

export interface TabWorldOptions {
  /** Delay of a message, in milliseconds. */
  readonly delayMs?: () => number;
  /** Result of opening a shared worker. @default "opens" */
  readonly workers?: "opens" | "throws" | "fires error" | "hangs";
}

/** The backend's response for an agent with a token that never expires. */
export const PROOF: TokenVerification = { sharingKey: "subject 7", refreshAt: Infinity };

interface TestStream {
  readonly write: (event: FeedEvent) => void;
  readonly userIds: FollowedUsers;
}

/** A shared worker. */
interface TestWorker {
  readonly connect: (port: TabPort) => void;
  isDead(): boolean;
  kill(): void;
}

/** Creates a browser without tabs. */
export function createTabWorld({ delayMs = () => 5, workers: behavior = "opens" }: TabWorldOptions = {}) {
  const told: FeedEvent[] = [];
  const users = new Map<number, ChangedAvailability>();
  const streams = new Set<TestStream>();
  const workers = new Map<string, TestWorker>();
  const tabs = new Set<{ readonly isValid: () => boolean }>();
  let mode = behavior;
  let version = 0;
  let streamsOpened = 0;

  function publish(event: FeedEvent): void {
    const known = { ...event, cursor: String(told.length + 1) };
    told.push(known);
    for (const { write } of streams) write(known);
  }

  // The gateway's heartbeats.
  setInterval(() => {
    for (const { write } of streams) write({ type: "heartbeat", ageMs: 0 });
  }, 15_000);

  function concerns(event: FeedEvent, userIds: FollowedUsers): boolean {
    if (event.type === "availability") return !userIds || userIds.has(event.availability.userId);
    return event.type !== "removal" || !userIds || userIds.has(event.userId);
  }

  function snapshot(): FeedEvent[] {
    const all = [...users.values()].map((availability) => ({ type: "availability" as const, availability, ageMs: 0 }));
    return [
      { type: "reset" },
      ...all,
      { type: "current", cursor: String(told.length) },
      { type: "heartbeat", ageMs: 0 },
    ];
  }

  /** Opens the gateway's streams for a document or a worker. */
  function streamFor(isAlive: () => boolean, isAccepted: () => boolean, open: Set<ChangeFeed>): OpenFeed {
    return ({ onEvent, cursor, userIds }) => {
      let followed = userIds;
      let current: TestStream | undefined;
      function connect(from: string | undefined): void {
        let readyAt = 0;
        const stream: TestStream = {
          userIds: followed,
          write(event) {
            if (!concerns(event, stream.userIds)) return;
            // A stream keeps its order, whatever the delay.
            readyAt = Math.max(readyAt, Date.now() + delayMs());
            setTimeout(() => isAlive() && streams.has(stream) && onEvent(event), readyAt - Date.now());
          },
        };
        if (current) streams.delete(current);
        current = stream;
        streams.add(stream);
        streamsOpened += 1;
        const missed: FeedEvent[] =
          from === undefined ? snapshot() : [...told.slice(Number(from)), { type: "heartbeat", ageMs: 0 }];
        for (const event of isAccepted() ? missed : [{ type: "unauthorized" } as const]) stream.write(event);
      }
      const feed: ChangeFeed = {
        follow(next) {
          const isCovered = !followed || (next && [...next].every((userId) => followed?.has(userId)));
          followed = next;
          if (!isCovered) connect(undefined);
        },
        checkConnection() {},
        retryNow() {},
        close() {
          if (current) streams.delete(current);
          open.delete(feed);
        },
      };
      connect(cursor);
      open.add(feed);
      return feed;
    };
  }

  function createWorker(): TestWorker {
    const workerStreams = new Set<ChangeFeed>();
    let isDead = false;
    const openFeed = streamFor(
      () => !isDead,
      () => [...tabs].some(({ isValid }) => isValid()),
      workerStreams,
    );
    return {
      connect: createTabHub(() => openFeed),
      isDead: () => isDead,
      kill() {
        isDead = true;
        for (const stream of workerStreams) stream.close();
      },
    };
  }

  /** Creates an end of a channel, which delivers messages in order. */
  function createEnd<Outgoing, Incoming>(isAlive: () => boolean) {
    let readyAt = 0;
    let isClosed = false;
    const port: Port<Outgoing, Incoming> = {
      onmessage: null,
      postMessage() {},
      close() {
        isClosed = true;
      },
    };
    const isOpen = (): boolean => !isClosed && isAlive();
    function deliver(data: Incoming): void {
      readyAt = Math.max(readyAt, Date.now() + delayMs());
      const message = new MessageEvent("message", { data: structuredClone(data) });
      setTimeout(() => isOpen() && port.onmessage?.(message), readyAt - Date.now());
    }
    return { port, isOpen, deliver };
  }

  function openWorker(name: string, isAlive: () => boolean): StreamWorker {
    if (mode === "throws") throw new DOMException("The operation is insecure.", "SecurityError");
    let worker = workers.get(name);
    if (!worker || worker.isDead()) {
      worker = createWorker();
      workers.set(name, worker);
    }
    const opened = worker;
    const tabEnd = createEnd<TabMessage, WorkerMessage>(isAlive);
    const workerEnd = createEnd<WorkerMessage, TabMessage>(() => !opened.isDead() && mode === "opens");
    tabEnd.port.postMessage = (message) => tabEnd.isOpen() && workerEnd.deliver(message);
    workerEnd.port.postMessage = (message) => workerEnd.isOpen() && tabEnd.deliver(message);
    opened.connect(workerEnd.port);
    const result: StreamWorker = { port: tabEnd.port, onerror: null };
    if (mode === "fires error") {
      const event = Object.assign(new Event("error"), { colno: 0, error: null, filename: "", lineno: 0, message: "" });
      setTimeout(() => isAlive() && result.onerror?.(event));
    }
    return result;
  }

  /** Opens a tab with the given token check. */
  function open(
    verifyToken: GatewayClient["verifyToken"] = () => Promise.resolve(PROOF),
    userIds?: FollowedUsers,
  ): TestTabView {
    const ownStreams = new Set<ChangeFeed>();
    const versions = new Map<number, number>();
    const events: FeedEvent[] = [];
    let followed = userIds;
    /** Versions of the followed users' removals. */
    const removals = new Map<number, number>();
    /** Users named by the current snapshot; `undefined` outside a snapshot. */
    let named: Set<number> | undefined;
    /** Followed users that are missing from the last snapshot and from every event since. */
    const absent = new Set<number>();
    /** The request that may still bring a user: the last one since the page has followed the user. */
    const requests = new Map<number, symbol>();
    let isHidden = false;
    let isGone = false;
    let isRefused = false;
    let isSleeping = false;
    let hasLeft = false;
    let life = { onSleep: (): void => {}, onWake: (): void => {} };
    const isAlive = (): boolean => !isGone;
    const isPresent = (): boolean =>
      !isGone && !hasLeft && !isSleeping && !events.some(({ type }) => type === "unauthorized");
    tabs.add({ isValid: () => isPresent() && !isRefused });

    function isFollowed(userId: number): boolean {
      return !followed || followed.has(userId);
    }

    function keep(userId: number, version: number): void {
      const known = Math.max(versions.get(userId) ?? 0, removals.get(userId) ?? 0);
      if (isFollowed(userId) && version > known) versions.set(userId, version);
    }

    /** Drops what the page knows of users that it does not follow, as the live part does. */
    function retain(): void {
      for (const known of [versions, removals, absent, requests]) {
        for (const userId of known.keys()) if (!isFollowed(userId)) known.delete(userId);
      }
    }

    /** Fetches users. The response arrives later, and may be older by then than what the feed has said. */
    function fetchUsers(added: readonly number[]): void {
      const request = Symbol("request");
      const response = added.map((userId) => users.get(userId));
      for (const userId of added) requests.set(userId, request);
      setTimeout(() => {
        for (const availability of response) {
          if (!availability || isGone) continue;
          const { userId, version } = availability;
          if (requests.get(userId) === request && !absent.has(userId)) keep(userId, version);
        }
      }, delayMs());
    }

    function onEvent(event: FeedEvent): void {
      if (isGone) return;
      events.push(event);
      if (event.type === "availability") {
        const { userId, version } = event.availability;
        named?.add(userId);
        absent.delete(userId);
        keep(userId, version);
      } else if (event.type === "removal") {
        const { userId, version } = event;
        if (isFollowed(userId)) removals.set(userId, Math.max(version, removals.get(userId) ?? 0));
        if ((versions.get(userId) ?? 0) < version) versions.delete(userId);
      } else if (event.type === "reset") named = new Set();
      else if (event.type === "current" && named) {
        for (const userId of new Set([...versions.keys(), ...(followed ?? [])])) {
          if (named.has(userId)) continue;
          versions.delete(userId);
          absent.add(userId);
        }
        named = undefined;
      }
    }

    const feed = createSharedFeed({
      apiBase: "https://widget.example.com/v1/",
      verifyToken,
      provideToken: () => Promise.reject(new Error("The fake worker needs no token")),
      openOwnFeed: streamFor(isAlive, () => !isRefused, ownStreams),
      openWorker: (name) => openWorker(name, isAlive),
      lifecycle: {
        isHidden: () => isHidden,
        subscribe(onSleep, onWake, signal) {
          life = { onSleep, onWake };
          signal.addEventListener("abort", () => {
            life = { onSleep: () => {}, onWake: () => {} };
          });
        },
      },
    })({ onEvent, userIds });

    return {
      versions,
      events,
      hasOwnStream: () => ownStreams.size > 0,
      follow(next) {
        const added = [...(next ?? [])].filter((userId) => !isFollowed(userId));
        followed = next;
        retain();
        feed.follow(next);
        fetchUsers(added);
      },
      checkConnection: () => isGone || feed.checkConnection(),
      retryNow: () => feed.retryNow(),
      close() {
        if (isGone) return;
        hasLeft = true;
        feed.close();
      },
      crash() {
        if (isGone) return;
        isGone = true;
        // Ends timers and streams. Messages are lost.
        feed.close();
      },
      sleep() {
        if (isGone) return;
        isSleeping = true;
        life.onSleep();
      },
      awake() {
        if (isSleeping && !isGone) life.onWake();
        isSleeping = false;
      },
      hide(hidden) {
        isHidden = hidden;
      },
      rejectToken() {
        isRefused = true;
      },
      isPresent,
    };
  }

  return {
    open,
    /** Advances the clock. */
    pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
    change(userId: number): void {
      version += 1;
      const availability = { userId, status: "available" as const, version, updatedAt: Date.now() };
      users.set(userId, availability);
      publish({ type: "availability", availability, ageMs: 0 });
    },
    remove(userId: number): void {
      version += 1;
      if (users.delete(userId)) publish({ type: "removal", userId, version });
    },
    versions: () => new Map([...users.values()].map((user) => [user.userId, user.version])),
    now: () => Date.now(),
    openStreams: () => streams.size,
    /** The users of each open stream. */
    streamedUsers: () => [...streams].map(({ userIds }) => userIds && [...userIds]),
    streamsOpened: () => streamsOpened,
    /** Ends the workers with their streams. The next tab starts another worker. */
    killWorkers(): void {
      for (const worker of workers.values()) worker.kill();
    },
    /** Makes workers hang, like an endless loop, or ends the loop. */
    setWorkers(next: "opens" | "hangs"): void {
      mode = next;
    },
  };
}
