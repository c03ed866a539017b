/** A fake browser with tabs, a gateway with streams, and a clock set by the test. */
import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import { parseChangedAvailability } from "../../gateway/changed-availability.ts";
import type { GatewayClient, TokenVerification } from "../../gateway/gateway-client.ts";
import type { ChangeFeed, FeedEvent, OpenFeed } from "../change-feed.ts";
import { createFeedEventParser } from "../stream/feed-event.ts";
import { createSharedFeed } from "./shared-feed.ts";
import type { TestTab } from "./test-tab.ts";
import { createTestChannels } from "./test-tab-channels.ts";
import { createTestLocks } from "./test-tab-locks.ts";

export interface TestTabView {
  /** Versions received by the tab's page, by user. */
  readonly versions: ReadonlyMap<number, number>;
  readonly events: readonly FeedEvent[];
  /** Resumes the page. */
  checkConnection(): void;
  close(): void;
  /** Stops running tasks, and releases locks and streams. */
  crash(): void;
  /** Stops running tasks, and keeps locks and streams. */
  freeze(): void;
  thaw(): void;
  /** The browser announces the freezing, or the resuming, of the tab. */
  sleep(): void;
  awake(): void;
  /** Rejects the page's token from now on. */
  rejectToken(): void;
  isPresent(): boolean;
}

export interface TabWorldOptions {
  /** True if the browser grants locks. */
  readonly hasLocks: boolean;
  /** Delay of a message, in milliseconds. */
  readonly delayMs?: () => number;
  /** Browser API that fails: channels with the expected error, or ids with an unexpected error. */
  readonly fails?: "channels" | "ids";
}

/** The backend's response for an agent with a token that never expires. */
export const PROOF: TokenVerification = { sharingKey: "subject 7", refreshAt: Infinity };

interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** Creates a browser without tabs. */
export function createTabWorld({ hasLocks, delayMs = () => 5, fails }: TabWorldOptions) {
  let now = 1_000_000;
  let order = 0;
  let nextId = 0;
  let scheduled: Scheduled[] = [];
  const told: FeedEvent[] = [];
  const users = new Map<number, ChangedAvailability>();
  const streams = new Set<(event: FeedEvent) => void>();
  let version = 0;
  let maxStreams = 0;
  let streamsOpened = 0;
  const defects: unknown[] = [];

  function schedule(delay: number, task: () => void): () => void {
    order += 1;
    const entry = { at: now + delay, order, task };
    scheduled.push(entry);
    return () => {
      scheduled = scheduled.filter((other) => other !== entry);
    };
  }

  const channels = createTestChannels(schedule, delayMs);
  const locks = createTestLocks(schedule, delayMs);

  function publish(event: FeedEvent): void {
    const known = { ...event, cursor: String(told.length + 1) };
    told.push(known);
    for (const write of streams) write(known);
  }

  function snapshot(): FeedEvent[] {
    const all = [...users.values()].map((availability) => ({ type: "availability" as const, availability, ageMs: 0 }));
    return [{ type: "reset" }, ...all, { type: "current", cursor: String(told.length) }];
  }

  function streamFor(tab: TestTab, isRefused: () => boolean, open: Set<() => void>): OpenFeed {
    return ({ onEvent, cursor }) => {
      // A promise that resolves in the task of the crash must have no effect.
      if (tab.isCrashed()) return { checkConnection: () => {}, close: () => {} };
      let readyAt = 0;
      const write = (event: FeedEvent): void => {
        // A stream keeps its order, whatever the delay.
        readyAt = Math.max(readyAt, now + delayMs());
        schedule(readyAt - now, () => tab.run(() => streams.has(write) && onEvent(event)));
      };
      const close = (): void => {
        streams.delete(write);
        open.delete(close);
      };
      streams.add(write);
      open.add(close);
      streamsOpened += 1;
      maxStreams = Math.max(maxStreams, streams.size);
      const missed = cursor === undefined ? snapshot() : told.slice(Number(cursor));
      for (const event of isRefused() ? [{ type: "unauthorized" } as const] : missed) write(event);
      return { checkConnection: () => {}, close };
    };
  }

  /** Opens a tab with the given token check. */
  function open(verifyToken: GatewayClient["verifyToken"] = () => Promise.resolve(PROOF)): TestTabView {
    const waiting: (() => void)[] = [];
    const openStreams = new Set<() => void>();
    const versions = new Map<number, number>();
    const events: FeedEvent[] = [];
    let unnamed = new Set<number>();
    let state: "awake" | "frozen" | "gone" = "awake";
    let isRefused = false;
    let life = { onSleep: (): void => {}, onWake: (): void => {} };
    let isSleeping = false;
    let hasLeft = false;

    const tab: TestTab = {
      run(task) {
        if (state === "frozen") waiting.push(task);
        else if (state === "awake") task();
      },
      isCrashed: () => state === "gone",
    };

    function onEvent(event: FeedEvent): void {
      events.push(event);
      if (event.type === "availability") {
        const { userId, version: newer } = event.availability;
        versions.set(userId, Math.max(newer, versions.get(userId) ?? 0));
        unnamed.delete(userId);
      } else if (event.type === "removal") {
        if ((versions.get(event.userId) ?? 0) < event.version) versions.delete(event.userId);
      } else if (event.type === "reset") unnamed = new Set(versions.keys());
      else if (event.type === "current") for (const userId of unnamed) versions.delete(userId);
    }

    const feed: ChangeFeed = createSharedFeed({
      apiBase: "https://widget.example.com/v1/",
      verifyToken,
      provideToken: () => Promise.reject(new Error("There is no worker here")),
      openOwnFeed: streamFor(tab, () => isRefused, openStreams),
      parseEvent: createFeedEventParser(parseChangedAvailability),
      onDefect: (error) => defects.push(error),
      browser: {
        openChannel(name) {
          if (fails === "channels") throw new DOMException("The operation is insecure.", "SecurityError");
          return channels.open(name, tab);
        },
        locks: hasLocks ? locks.of(tab) : undefined,
        openWorker: undefined,
        lifecycle: {
          subscribe(onSleep, onWake) {
            life = { onSleep, onWake };
            return () => {
              life = { onSleep: () => {}, onWake: () => {} };
            };
          },
        },
        clock: {
          now: () => now,
          epochMs: () => now,
          setTimer: (delay, task) => {
            const dueAt = now + delay;
            let isOff = false;
            const callOff = Number.isFinite(delay)
              ? schedule(delay, () => tab.run(() => !isOff && task(now - dueAt)))
              : () => {};
            return () => {
              isOff = true;
              callOff();
            };
          },
        },
        random: () => delayMs() / 200,
        createId() {
          if (fails === "ids") throw new Error("There are no ids");
          nextId += 1;
          return `tab ${nextId}`;
        },
      },
    })({ onEvent });

    function thaw(): void {
      if (state !== "frozen") return;
      state = "awake";
      for (const task of waiting.splice(0)) tab.run(task);
    }

    return {
      versions,
      events,
      checkConnection: () => tab.run(() => feed.checkConnection()),
      close() {
        tab.run(() => {
          hasLeft = true;
          feed.close();
        });
      },
      crash() {
        state = "gone";
        for (const close of openStreams) close();
        locks.crash(tab);
      },
      freeze() {
        if (state === "awake") state = "frozen";
      },
      thaw,
      sleep() {
        tab.run(() => {
          isSleeping = true;
          life.onSleep();
        });
      },
      awake() {
        tab.run(() => {
          if (isSleeping) life.onWake();
          isSleeping = false;
        });
      },
      rejectToken() {
        isRefused = true;
      },
      isPresent: () =>
        state !== "gone" && !hasLeft && !isSleeping && !events.some(({ type }) => type === "unauthorized"),
    };
  }

  /** Advances the clock. */
  async function pass(ms: number): Promise<void> {
    const until = now + ms;
    await settle();
    for (;;) {
      const [next] = scheduled.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at || a.order - b.order);
      if (!next) break;
      scheduled = scheduled.filter((entry) => entry !== next);
      now = Math.max(now, next.at);
      next.task();
      await settle();
    }
    now = until;
  }

  return {
    open,
    pass,
    defects,
    change(userId: number): void {
      version += 1;
      const availability = { userId, status: "available" as const, version, updatedAt: now };
      users.set(userId, availability);
      publish({ type: "availability", availability, ageMs: 0 });
    },
    remove(userId: number): void {
      version += 1;
      if (users.delete(userId)) publish({ type: "removal", userId, version });
    },
    versions: () => new Map([...users.values()].map((user) => [user.userId, user.version])),
    now: () => now,
    openStreams: () => streams.size,
    maxStreams: () => maxStreams,
    streamsOpened: () => streamsOpened,
  };
}

/** Runs all pending promise callbacks. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
