/** The widget without its window: settles the page's requests and posts announcements. */

import type { AnnouncedPayloadOf } from "../shared/contracts/contract.ts";
import { type Announcements, type BusContract, contract } from "../shared/contracts/index.ts";
import { DEFAULT_TIMEOUT_MS } from "../shared/protocol/envelope.ts";
import { createDeadline } from "../shared/runtime/deadline.ts";
import { createDispatcher, type Dispatcher, type Handlers } from "../shared/runtime/dispatch.ts";
import { createTimerQueue } from "../shared/runtime/timer-queue.ts";
import { subtractElapsed } from "./gateway/elapsed-time.ts";
import type { CallOptions, GatewayClient } from "./gateway/gateway-client.ts";
import { createTokenSession, type TokenSession } from "./gateway/session.ts";
import { createTokenSource, type TokenSource } from "./gateway/token-source.ts";
import { handlers as ownHandlers } from "./handlers/index.ts";
import type { Live, LiveOptions } from "./live/live.ts";
import { createLiveService } from "./live/live-service.ts";
import type { PanelServices } from "./panel/services.ts";
import type { WidgetServices } from "./services.ts";

export interface WidgetOptions {
  /** Posts an event to the page and resolves with the page's response. May reject, and may stay pending. */
  readonly post: (event: unknown) => Promise<unknown>;
  /** Returns the page's origin; `undefined` before the handshake. */
  readonly pageOrigin: () => string | undefined;
  /** Creates the client of the backend, which sends the page's token. */
  readonly createGateway: (session: TokenSession) => GatewayClient;
  /** Loads the live part of the widget. */
  readonly loadLive: (gateway: GatewayClient, options: Omit<LiveOptions, "openFeed" | "isVisible">) => Promise<Live>;
  /** Handlers of the page's requests. @default the widget's own */
  readonly handlers?: Handlers<BusContract, WidgetServices> | undefined;
  /** Loads the widget's document again. The page then connects anew. */
  readonly reloadDocument: () => void;
  /** Called when another connector or another agent may have come: what was for the last one is not for the next one. */
  readonly onIdentityChanged: () => void;
  /** Called with each defect, an error that is no rejection. The page does not receive the error's text. */
  readonly onDefect: (error: unknown) => void;
}

/** The widget without its window. */
export interface Widget extends Pick<Dispatcher, "dispatch">, Pick<TokenSource, "prefetch"> {
  /** The services that the panel shares with the page's requests. */
  readonly panelServices: PanelServices;
  /** Aborts all requests, and deletes the subscriptions and the token, when the page has gone. */
  reset(): void;
}

/** Creates the widget for a page that has sent no request yet. */
export function createWidget(options: WidgetOptions): Widget {
  const { post, pageOrigin, createGateway, loadLive, reloadDocument, onIdentityChanged, onDefect } = options;
  const { handlers = ownHandlers } = options;
  const { schedule } = createTimerQueue();
  const tokenSource = createTokenSource({ post, schedule, onChange: onTokenChanged });
  /** Subject of the last token; `null` before the first. */
  let lastSubject: string | undefined | null = null;
  const sessionId = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const session = createTokenSession(
    tokenSource,
    () => {
      live.endSession();
      announce("AUTH.SESSION_EXPIRED");
    },
    () => live.resumeSession(),
  );
  const gateway = createGateway(session);
  /** Aborted when the page goes: the next page must not share a call made with the last page's token. */
  let pageAbort = new AbortController();
  const live = createLiveService({
    gateway,
    load: () =>
      loadLive(gateway, {
        announce,
        identify,
        requestToken: tokenSource.refetch,
        schedule,
        subtractElapsed,
        refetchUser,
      }),
    schedule,
    onDefect,
    reloadDocument,
  });
  const services = {
    gateway,
    live,
    sessionId,
    pageOrigin,
    refreshToken,
    onRegistered: tokenSource.expectAnswers,
  };
  const { dispatch, abortAll } = createDispatcher({ contract, handlers, services, onDefect });

  async function refreshToken(): Promise<void> {
    await tokenSource.refetch();
    // The agent may have signed in again without another token.
    live.resumeSession();
  }

  /** Creates the options of a call that no request of the page waits for. */
  function createCallOptions(): CallOptions {
    const signal = AbortSignal.any([pageAbort.signal, AbortSignal.timeout(DEFAULT_TIMEOUT_MS)]);
    return { signal, deadline: createDeadline(DEFAULT_TIMEOUT_MS) };
  }

  function announce<Type extends keyof Announcements>(
    type: Type,
    payload?: AnnouncedPayloadOf<Announcements, Type>,
  ): void {
    // A page without our connector may reject announcements.
    post({ type, ...(payload !== undefined && { payload }) }).catch(() => {});
  }

  function onTokenChanged(): void {
    const subject = tokenSource.subject();
    if (lastSubject !== null && subject !== lastSubject) onIdentityChanged();
    lastSubject = subject;
    live.onTokenChanged();
  }

  /** Returns the subject of the page's token: the id of an agent, or the operator. */
  async function identify(): Promise<string | undefined> {
    // Without a token the feed is opened all the same: it asks again after a pause, and `onTokenChanged` follows.
    await tokenSource.get(new AbortController().signal).catch(() => {});
    return tokenSource.subject();
  }

  function refetchUser(userId: number): void {
    // No request waits for the result. If the fetch fails, the feed delivers the change.
    gateway.fetchAvailability(userId, createCallOptions()).catch(() => {});
  }

  return {
    dispatch,
    prefetch: tokenSource.prefetch,
    panelServices: {
      gateway,
      live,
      createCallOptions,
      readClaims: tokenSource.claims,
      refreshToken,
      announceSize: (size) => announce("HOST.RESIZE", size),
    },
    reset() {
      abortAll();
      pageAbort.abort();
      pageAbort = new AbortController();
      live.reset();
      session.reset();
      tokenSource.clear();
      lastSubject = null;
      onIdentityChanged();
    },
  };
}
