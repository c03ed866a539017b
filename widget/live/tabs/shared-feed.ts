/**
 * A change feed shared by all tabs of a browser, so that any number of tabs needs one stream. Over HTTP/1.1 a browser
 * opens six connections to a host, and the seventh tab would wait forever.
 *
 * Tabs share by the subject of the page's token, which a page can forge. A tab therefore joins only after the gateway
 * has accepted a read with the token. Before, the tab neither sends nor receives messages.
 */
import type { GatewayClient, TokenVerification } from "../../gateway/gateway-client.ts";
import type { ChangeFeed, FeedEvent, FeedOptions, OpenFeed } from "../change-feed.ts";
import { createBackoff } from "../stream/backoff.ts";
import { classifyError, MAX_RETRY_AFTER_MS } from "../stream/live-failure.ts";
import { openStreamWorker } from "./open-worker.ts";
import { createOwnFeed } from "./own-feed.ts";
import { documentLifecycle, type PageLifecycle } from "./page-lifecycle.ts";
import { openWorkerFeed, type StreamWorker } from "./worker-feed.ts";

export interface SharedFeedOptions extends Pick<GatewayClient, "verifyToken" | "provideToken"> {
  /** The backend's address. Each customer has a separate address. */
  readonly apiBase: string;
  /** Opens a feed for this tab alone. */
  readonly openOwnFeed: OpenFeed;
  /** @default openStreamWorker */
  readonly openWorker?: (name: string) => StreamWorker;
  /** @default documentLifecycle */
  readonly lifecycle?: PageLifecycle;
}

/** Maximum time between two token checks, in milliseconds: a timer runs for at most 24 days. */
const VERIFICATION_TTL_MS = 3_600_000;

/** Timeout of a token check, in milliseconds: the network may have lost the request. */
const VERIFICATION_TIMEOUT_MS = 10_000;

/** Creates a function that opens feeds shared by tabs. A feed begins with a snapshot and ignores the cursor. */
export function createSharedFeed(options: SharedFeedOptions): OpenFeed {
  const { apiBase, verifyToken, provideToken, openWorker = openStreamWorker, lifecycle = documentLifecycle } = options;
  const openOwnFeed = createOwnFeed(options.openOwnFeed, lifecycle.isHidden);

  return ({ onEvent, ...feedOptions }) => {
    let { userIds } = feedOptions;
    let feed: ChangeFeed | undefined;
    /** The sharing key of the feed. */
    let feedKey: string | undefined;
    /** Aborts the token check. Aborted while the tab is frozen, and after the end. */
    let check = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    /** End of the gateway's `Retry-After` on the wall clock, which advances during sleep, and on the monotonic clock, which never goes back. */
    let pauseEnd = { wall: 0, monotonic: 0 };
    const backoff = createBackoff(Math.random);
    /** True between a failed check and the next one. */
    let isWaiting = false;
    /** Aborts when the feed is closed. */
    const life = new AbortController();
    // The browser also fires `pageshow` when a page is first shown.
    lifecycle.subscribe(leave, () => check.signal.aborted && start(), life.signal);

    function leave(): void {
      check.abort();
      clearTimeout(timer);
      feed?.close();
      feed = undefined;
    }

    function close(): void {
      life.abort();
      leave();
    }

    function emit(event: FeedEvent): void {
      if (event.type === "unauthorized") close();
      onEvent(event);
    }

    /** Verifies the page's token after a delay in milliseconds, but not before `pauseEnd`. */
    function start(delayMs = 0): void {
      check.abort();
      clearTimeout(timer);
      check = new AbortController();
      const pauseMs = Math.min(pauseEnd.wall - Date.now(), pauseEnd.monotonic - performance.now());
      const waitMs = delayMs + Math.max(0, pauseMs);
      isWaiting = waitMs > 0;
      if (isWaiting) timer = setTimeout(start, waitMs);
      else void verifyAndJoin(check.signal);
    }

    async function verifyAndJoin(signal: AbortSignal): Promise<void> {
      const timeout = AbortSignal.timeout(VERIFICATION_TIMEOUT_MS);
      const verification = await verifyToken(AbortSignal.any([signal, timeout])).catch((error: unknown) => ({ error }));
      if (signal.aborted) return;
      if ("error" in verification) return handleFailure(verification.error);
      backoff.reset();
      timer = setTimeout(start, Math.min(VERIFICATION_TTL_MS, verification.refreshAt - Date.now()));
      join(verification);
    }

    function handleFailure(error: unknown): void {
      const { isUnauthorized, isForbidden, lacksRight, retryAfterMs } = classifyError(error);
      if (isUnauthorized) return emit({ type: "unauthorized" });
      // Without permission to read, the tab must not receive events from other tabs either.
      if (isForbidden) {
        leave();
        emit({ type: "stale" });
      }
      const pauseMs = lacksRight ? MAX_RETRY_AFTER_MS : retryAfterMs;
      pauseEnd = { wall: Date.now() + pauseMs, monotonic: performance.now() + pauseMs };
      start(backoff.nextDelayMs(pauseMs));
    }

    function join({ sharingKey }: TokenVerification): void {
      if (feed && feedKey === sharingKey) return;
      feed?.close();
      feedKey = sharingKey;
      const shared = { openWorker: () => openWorker(`${apiBase} ${sharingKey}`), provideToken, openOwnFeed };
      const open = sharingKey === undefined ? openOwnFeed : (given: FeedOptions) => openWorkerFeed(shared, given);
      feed = open({ onEvent: emit, userIds });
    }

    start();
    return {
      follow(next) {
        userIds = next;
        feed?.follow(next);
      },
      checkConnection(hasSlept) {
        if (feed) feed.checkConnection(hasSlept);
        else if (!check.signal.aborted) start();
      },
      retryNow() {
        if (isWaiting && !check.signal.aborted) start();
        feed?.retryNow();
      },
      close,
    };
  };
}
