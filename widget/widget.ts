/** All of the widget but its window: what answers the page around it, and what tells it unasked. */

import { type Announcements, contract } from "../shared/contracts/index.ts";
import { DEFAULT_TIMEOUT_MS } from "../shared/protocol/envelope.ts";
import { createDeadline } from "../shared/runtime/deadline.ts";
import { createDispatcher, type Dispatcher } from "../shared/runtime/dispatch.ts";
import { createTimerQueue } from "../shared/runtime/timer-queue.ts";
import type { GatewayClient } from "./gateway/gateway-client.ts";
import { createTokenSession, type TokenSession } from "./gateway/session.ts";
import { createTokenSource, type TokenSource } from "./gateway/token-source.ts";
import { handlers } from "./handlers/index.ts";
import type { Live, LiveOptions } from "./live/live.ts";
import { createLiveService } from "./live/live-service.ts";

export interface WidgetOptions {
  /** Posts an event to the page and resolves with its answer. May reject, and may never settle. */
  readonly post: (event: unknown) => Promise<unknown>;
  /** The page's origin, once it is known. */
  readonly pageOrigin: () => string | undefined;
  /** Creates the way to the backend, which calls it with the page's token. */
  readonly createGateway: (session: TokenSession) => GatewayClient;
  /** Loads the part of the widget that follows users. */
  readonly loadLive: (gateway: GatewayClient, options: Omit<LiveOptions, "openFeed">) => Promise<Live>;
  /** Hears what is no refusal: a defect, whose text the page does not get to see. */
  readonly onDefect: (error: unknown) => void;
}

/** The widget's core. */
export interface Widget extends Pick<Dispatcher, "dispatch">, Pick<TokenSource, "prefetch"> {
  /** Whoever asked has gone, and what they asked for, and by what token, is nothing for whoever comes. */
  reset(): void;
}

/** Creates the core for a page that has asked nothing yet. */
export function createWidget({ post, pageOrigin, createGateway, loadLive, onDefect }: WidgetOptions): Widget {
  const tokenSource = createTokenSource({ post, onChange: () => live.onTokenChanged() });
  const sessionId = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const session = createTokenSession(tokenSource, () => {
    live.endSession();
    announce("AUTH.SESSION_EXPIRED");
  });
  const gateway = createGateway(session);
  const { schedule } = createTimerQueue();
  /** Until whoever asks has gone: the next one must not share a call that was made by another's token. */
  let pageAbort = new AbortController();
  const live = createLiveService({
    gateway,
    load: () => loadLive(gateway, { announce, identify, requestToken: tokenSource.refetch, schedule, refetchUser }),
    onDefect,
  });
  const services = { gateway, live, sessionId, pageOrigin };
  const { dispatch, abortAll } = createDispatcher({ contract, handlers, services, onDefect });

  function announce(type: keyof Announcements, payload?: unknown): void {
    // A page that listens to nothing, as one with penpal alone, refuses what it is told.
    post({ type, ...(payload !== undefined && { payload }) }).catch(() => {});
  }

  /** Whom the page's token stands for: an agent, by its id, or the operator. */
  async function identify(): Promise<string | undefined> {
    await tokenSource.get(new AbortController().signal);
    return tokenSource.subject();
  }

  function refetchUser(userId: number): void {
    const signal = AbortSignal.any([pageAbort.signal, AbortSignal.timeout(DEFAULT_TIMEOUT_MS)]);
    // Nobody has asked for it: what it fails to bring the feed tells.
    gateway.fetchAvailability(userId, { signal, deadline: createDeadline(DEFAULT_TIMEOUT_MS) }).catch(() => {});
  }

  return {
    dispatch,
    prefetch: tokenSource.prefetch,
    reset() {
      abortAll();
      pageAbort.abort();
      pageAbort = new AbortController();
      live.reset();
      session.reset();
      tokenSource.clear();
    },
  };
}
