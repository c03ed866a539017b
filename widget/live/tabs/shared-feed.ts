/**
 * A change feed shared by all tabs of a browser, so that any number of tabs needs one stream. Over HTTP/1.1 a browser
 * opens six connections to a host, and the seventh tab would wait forever.
 *
 * Tabs share by the subject of the page's token, which a page can forge. A tab therefore joins only after the gateway
 * has accepted a read with the token. Before, the tab neither sends nor receives messages.
 */
import type { GatewayClient, TokenVerification } from "../../gateway/gateway-client.ts";
import type { ChangeFeed, FeedOptions, OpenFeed } from "../change-feed.ts";
import { createBackoff } from "../stream/backoff.ts";
import type { ParseFeedEvent } from "../stream/event-stream.ts";
import { classifyError, MAX_RETRY_AFTER_MS } from "../stream/live-failure.ts";
import { createBroadcastElection } from "./broadcast-election.ts";
import type { OpenLeaderElection } from "./leader-election.ts";
import { openStreamWorker } from "./open-worker.ts";
import { documentLifecycle, type PageLifecycle } from "./page-lifecycle.ts";
import { createSharedWorkerElection, type StreamWorker } from "./shared-worker-election.ts";
import type { Channel } from "./tab-channel.ts";
import { browserClock, type TabClock } from "./tab-clock.ts";
import { joinTabGroup } from "./tab-group.ts";
import { canUseLocks, createWebLocksElection, type Locks } from "./web-locks-election.ts";

export interface SharedFeedOptions {
  /** The backend's address. Each customer has a separate address. */
  readonly apiBase: string;
  readonly verifyToken: GatewayClient["verifyToken"];
  readonly provideToken: GatewayClient["provideToken"];
  /** Opens a feed for this tab alone. */
  readonly openOwnFeed: OpenFeed;
  readonly parseEvent: ParseFeedEvent;
  /**
   * Receives unexpected errors.
   *
   * @default reportError
   */
  readonly onDefect?: (error: unknown) => void;
  readonly browser?: TabBrowser;
}

/** The browser's APIs in use. */
export interface TabBrowser {
  readonly openChannel: (name: string) => Channel;
  /** `undefined` if the browser offers no locks to this document. */
  readonly locks: Locks | undefined;
  /** `undefined` if the browser has no shared workers. */
  readonly openWorker: ((name: string) => StreamWorker) | undefined;
  readonly lifecycle: PageLifecycle;
  readonly clock: TabClock;
  readonly random: () => number;
  readonly createId: () => string;
}

/** The APIs of this document's browser. Locks exist in secure contexts only. */
function defaultBrowser(): TabBrowser {
  return {
    openChannel: (name) => new BroadcastChannel(name),
    locks: navigator.locks,
    openWorker: "SharedWorker" in globalThis ? openStreamWorker : undefined,
    lifecycle: documentLifecycle,
    clock: browserClock,
    random: Math.random,
    createId: () => crypto.getRandomValues(new Uint32Array(4)).join("-"),
  };
}

/** Changes with the message format, so that tabs of different formats do not meet. */
const PROTOCOL = "availability-bridge/2";

/** Maximum time between two token checks, in milliseconds: a timer runs for at most 24 days. */
const VERIFICATION_TTL_MS = 3_600_000;

/** Timeout of a token check, in milliseconds. */
const VERIFICATION_TIMEOUT_MS = 10_000;

/** Creates a function that opens feeds shared by tabs. A feed begins with a snapshot and ignores the cursor. */
export function createSharedFeed(options: SharedFeedOptions): OpenFeed {
  const { apiBase, verifyToken, provideToken, openOwnFeed, parseEvent, browser = defaultBrowser() } = options;
  const { onDefect = (error) => reportError(error) } = options;
  const { openChannel, locks, openWorker, lifecycle, clock, random, createId } = browser;

  async function chooseElection(name: string): Promise<OpenLeaderElection> {
    if (!locks || !(await canUseLocks(locks, name))) return createBroadcastElection(clock);
    const openFallback = createWebLocksElection(locks);
    return openWorker ? createSharedWorkerElection({ openWorker, apiBase, provideToken, openFallback }) : openFallback;
  }

  return ({ onEvent }: FeedOptions): ChangeFeed => {
    let isActive = true;
    let feed: { readonly sharingKey: string | undefined; readonly inner: ChangeFeed } | undefined;
    let abortController = new AbortController();
    let cancelTimer = (): void => {};
    /** End of the gateway's `Retry-After`, on the wall clock, which advances during sleep. */
    let notBefore = Number.NEGATIVE_INFINITY;
    const backoff = createBackoff(random);
    const unsubscribe = lifecycle.subscribe(handleFreeze, handleResume);

    function leaveGroup(): void {
      abortController.abort();
      cancelTimer();
      feed?.inner.close();
      feed = undefined;
    }

    function handleFreeze(): void {
      isActive = false;
      leaveGroup();
    }

    function handleResume(): void {
      // The browser also fires `pageshow` when a page is first shown.
      if (isActive) return;
      isActive = true;
      scheduleStart(0);
    }

    function close(): void {
      unsubscribe();
      leaveGroup();
    }

    /** Starts after a delay in milliseconds, but not before `notBefore`. */
    function scheduleStart(delayMs: number): void {
      cancelTimer();
      const pauseMs = Math.min(MAX_RETRY_AFTER_MS, Math.max(0, notBefore - clock.epochMs()));
      if (pauseMs + delayMs > 0) cancelTimer = clock.setTimer(pauseMs + delayMs, start);
      else start();
    }

    function start(): void {
      abortController.abort();
      abortController = new AbortController();
      const { signal } = abortController;
      verifyAndJoin(signal).catch((error: unknown) => {
        onDefect(error);
        if (!signal.aborted) feed ??= openUnsharedFeed();
      });
    }

    /** Verifies the page's token within the timeout: the network may have lost the request. */
    async function verifyWithTimeout(signal: AbortSignal): Promise<TokenVerification> {
      const timeoutAbort = new AbortController();
      const timedOut = new Promise<never>((_resolve, reject) => {
        cancelTimer = clock.setTimer(VERIFICATION_TIMEOUT_MS, () => {
          const error = new Error(`The token check got no response within ${VERIFICATION_TIMEOUT_MS} ms`);
          timeoutAbort.abort(error);
          reject(error);
        });
      });
      return Promise.race([verifyToken(AbortSignal.any([signal, timeoutAbort.signal])), timedOut]);
    }

    async function verifyAndJoin(signal: AbortSignal): Promise<void> {
      cancelTimer();
      const verification = await verifyWithTimeout(signal).catch((error: unknown) => ({ error }));
      if (signal.aborted) return;
      cancelTimer();
      if ("error" in verification) return handleFailure(verification.error);
      backoff.reset();
      cancelTimer = clock.setTimer(Math.min(VERIFICATION_TTL_MS, verification.refreshAt - clock.epochMs()), start);
      await join(verification, signal);
    }

    function handleFailure(error: unknown): void {
      const { isUnauthorized, isForbidden, retryAfterMs } = classifyError(error);
      if (isUnauthorized) {
        close();
        onEvent({ type: "unauthorized" });
        return;
      }
      // Without permission to read, the tab must not receive events from other tabs either.
      if (isForbidden) {
        leaveGroup();
        onEvent({ type: "stale" });
      }
      notBefore = clock.epochMs() + (isForbidden ? MAX_RETRY_AFTER_MS : retryAfterMs);
      scheduleStart(backoff.nextDelayMs());
    }

    function openUnsharedFeed(sharingKey?: string) {
      return { sharingKey, inner: openOwnFeed({ onEvent }) };
    }

    async function join({ sharingKey }: TokenVerification, signal: AbortSignal): Promise<void> {
      if (feed && feed.sharingKey === sharingKey) return;
      feed?.inner.close();
      feed = undefined;
      if (sharingKey === undefined) {
        feed = openUnsharedFeed();
        return;
      }
      const name = `${PROTOCOL} ${apiBase} ${sharingKey}`;
      const openElection = await chooseElection(name);
      if (signal.aborted) return;
      const group = {
        name,
        id: createId(),
        openChannel,
        parseEvent,
        openElection,
        openOwnFeed,
        clock,
        random,
      };
      try {
        feed = { sharingKey, inner: joinTabGroup(group, { onEvent }) };
      } catch (error) {
        // Firefox has no BroadcastChannel for a frame with blocked cookies.
        console.warn(
          "availability-bridge: this tab cannot share a stream with other tabs and opens a separate stream",
          error,
        );
        feed = openUnsharedFeed(sharingKey);
      }
    }

    start();
    return {
      checkConnection() {
        if (feed) feed.inner.checkConnection();
        else if (isActive && clock.epochMs() >= notBefore) start();
      },
      close,
    };
  };
}
