/**
 * A feed that all tabs of a browser share, so that there is one stream however many tabs there are: over HTTP/1.1 a browser
 * keeps six connections to a host, and the seventh tab would wait for ever.
 *
 * Who shares is told by the subject of the page's token, which anybody could have written. A tab therefore joins the others
 * only once the backend has answered a read with the very token: until then it neither hears nor tells anything.
 */
import type { GatewayClient, Proof } from "../../gateway/gateway-client.ts";
import type { Feed, FeedOptions, OpenFeed } from "../feed.ts";
import type { ReadFeedEvent } from "../stream/event-stream.ts";
import { LONGEST_WAIT_MS, readFailure } from "../stream/failure.ts";
import { createRetryDelays } from "../stream/retry-delays.ts";
import type { OpenElection } from "./election.ts";
import { createChannelElection } from "./leader-by-channel.ts";
import { createLockElection, type Locks, mayLock } from "./leader-by-locks.ts";
import { createWorkerElection, type StreamWorker } from "./leader-by-worker.ts";
import { openStreamWorker } from "./open-worker.ts";
import type { Channel } from "./tab-channel.ts";
import { browserClock, type TabClock } from "./tab-clock.ts";
import { joinTabGroup } from "./tab-group.ts";
import { documentLife, type TabLife } from "./tab-life.ts";

export interface SharedFeedOptions {
  /** The backend's address: it belongs to one customer. */
  readonly apiBase: string;
  readonly prove: GatewayClient["prove"];
  readonly lend: GatewayClient["lend"];
  /** Opens a feed of this tab's own. */
  readonly openOwn: OpenFeed;
  readonly readEvent: ReadFeedEvent;
  /**
   * Hears what nobody expects to fail, and has.
   *
   * @default reportError
   */
  readonly onDefect?: (error: unknown) => void;
  readonly browser?: TabBrowser;
}

/** What a browser gives its tabs. */
export interface TabBrowser {
  readonly openChannel: (name: string) => Channel;
  /** `undefined` where the browser has none for this document. */
  readonly locks: Locks | undefined;
  /** `undefined` where the browser has none. */
  readonly openWorker: ((name: string) => StreamWorker) | undefined;
  readonly life: TabLife;
  readonly clock: TabClock;
  readonly random: () => number;
  readonly createId: () => string;
}

/** The browser that this document is in. Locks are there in secure contexts only. */
function thisBrowser(): TabBrowser {
  return {
    openChannel: (name) => new BroadcastChannel(name),
    locks: navigator.locks,
    openWorker: "SharedWorker" in globalThis ? openStreamWorker : undefined,
    life: documentLife,
    clock: browserClock,
    random: Math.random,
    createId: () => crypto.getRandomValues(new Uint32Array(4)).join("-"),
  };
}

/** Changes with the messages, so that tabs of different releases do not meet. */
const PROTOCOL = "availability-bridge/1";

/** The longest time for which a proof holds, in milliseconds: a timer cannot be set for more than 24 days. */
const PROOF_LIFE_MS = 3_600_000;

/** How long a proof may take, in milliseconds, before another is tried. */
const PROOF_PATIENCE_MS = 10_000;

/** Creates what opens a feed that tabs share. It begins with a snapshot; a cursor is not looked at. */
export function createSharedFeed(options: SharedFeedOptions): OpenFeed {
  const { apiBase, prove, lend, openOwn, readEvent, browser = thisBrowser() } = options;
  const { onDefect = (error) => reportError(error) } = options;
  const { openChannel, locks, openWorker, life, clock, random, createId } = browser;

  async function chooseElection(name: string): Promise<OpenElection> {
    if (!locks || !(await mayLock(locks, name))) return createChannelElection(clock);
    const openFallback = createLockElection(locks);
    return openWorker ? createWorkerElection({ openWorker, apiBase, lend, openFallback }) : openFallback;
  }

  return ({ onEvent }: FeedOptions): Feed => {
    let isAwake = true;
    let feed: { readonly sharedBy: string | undefined; readonly inner: Feed } | undefined;
    let working = new AbortController();
    let callOff = (): void => {};
    /** Until when the backend is to be left alone, on the wall clock, which runs on while the machine sleeps. */
    let quietUntil = Number.NEGATIVE_INFINITY;
    const delays = createRetryDelays(random);
    const unwatch = life.watch(sleep, awake);

    function leave(): void {
      working.abort();
      callOff();
      feed?.inner.close();
      feed = undefined;
    }

    function sleep(): void {
      isAwake = false;
      leave();
    }

    function awake(): void {
      // A page that is shown for the first time is told so as well.
      if (isAwake) return;
      isAwake = true;
      beginIn(0);
    }

    function close(): void {
      unwatch();
      leave();
    }

    /** Begins after so long, in milliseconds, and no sooner than the backend wants. */
    function beginIn(delayMs: number): void {
      callOff();
      const quietMs = Math.min(LONGEST_WAIT_MS, Math.max(0, quietUntil - clock.wallMs()));
      if (quietMs + delayMs > 0) callOff = clock.after(quietMs + delayMs, begin);
      else begin();
    }

    function begin(): void {
      working.abort();
      working = new AbortController();
      const { signal } = working;
      enter(signal).catch((error: unknown) => {
        onDefect(error);
        if (!signal.aborted) feed ??= followAlone();
      });
    }

    /** Proves the page's token, unless it takes too long: the way to the backend may have swallowed the call. */
    async function proveInTime(signal: AbortSignal): Promise<Proof> {
      const lateness = new AbortController();
      const late = new Promise<never>((_resolve, reject) => {
        callOff = clock.after(PROOF_PATIENCE_MS, () => {
          const error = new Error(`No answer to the page's token within ${PROOF_PATIENCE_MS} ms`);
          lateness.abort(error);
          reject(error);
        });
      });
      return Promise.race([prove(AbortSignal.any([signal, lateness.signal])), late]);
    }

    async function enter(signal: AbortSignal): Promise<void> {
      callOff();
      const proof = await proveInTime(signal).catch((error: unknown) => ({ error }));
      if (signal.aborted) return;
      callOff();
      if ("error" in proof) return fail(proof.error);
      delays.reset();
      callOff = clock.after(Math.min(PROOF_LIFE_MS, proof.renewAt - clock.wallMs()), begin);
      await join(proof, signal);
    }

    function fail(error: unknown): void {
      const { isRefusal, isDenial, retryAfterMs } = readFailure(error);
      if (isRefusal) {
        close();
        onEvent({ type: "refused" });
        return;
      }
      // Whoever may read nothing is told nothing by others either.
      if (isDenial) leave();
      quietUntil = clock.wallMs() + (isDenial ? LONGEST_WAIT_MS : retryAfterMs);
      beginIn(delays.next());
    }

    function followAlone(sharedBy?: string) {
      return { sharedBy, inner: openOwn({ onEvent }) };
    }

    async function join({ sharedBy }: Proof, signal: AbortSignal): Promise<void> {
      if (feed && feed.sharedBy === sharedBy) return;
      feed?.inner.close();
      feed = undefined;
      if (sharedBy === undefined) {
        feed = followAlone();
        return;
      }
      const name = `${PROTOCOL} ${apiBase} ${sharedBy}`;
      const openElection = await chooseElection(name);
      if (signal.aborted) return;
      const group = { name, id: createId(), openChannel, readEvent, openElection, openOwn, clock, random };
      try {
        feed = { sharedBy, inner: joinTabGroup(group, { onEvent }) };
      } catch (error) {
        // Firefox has no channel for a frame whose cookies are blocked.
        console.warn("availability-bridge: this tab cannot share a stream with others, and has its own", error);
        feed = followAlone(sharedBy);
      }
    }

    begin();
    return {
      wake() {
        if (feed) feed.inner.wake();
        else if (isAwake && clock.wallMs() >= quietUntil) begin();
      },
      close,
    };
  };
}
