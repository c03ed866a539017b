import { type Announcements, contract } from "../shared/contracts/index.ts";
import { createDispatcher } from "../shared/dispatch.ts";
import type { Settlement } from "../shared/envelope.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { handlers } from "./handlers/index.ts";
import type { Live, LiveOptions } from "./live/live.ts";
import { createLiveService } from "./live-service.ts";
import { openPort, type Port } from "./penpal-port.ts";
import { logRefusedOrigins } from "./refused-origins.ts";
import { createSession, type Session } from "./session.ts";
import { withoutStacks } from "./stackless-messenger.ts";
import { createTokenSource } from "./token-source.ts";
import { createWindowMessenger } from "./window-messenger.ts";

export interface StartWidgetOptions {
  /** The page around the widget. */
  readonly parent: Window;
  /** The exact origins that the page may have. At least one. */
  readonly allowedOrigins: readonly string[];
  /** Creates the way to the backend, which calls it with the page's token. */
  readonly createGateway: (session: Session) => GatewayClient;
  /** Loads the part of the widget that follows users. */
  readonly loadLive: (gateway: GatewayClient, options: Omit<LiveOptions, "openFeed">) => Promise<Live>;
  /** Hears every settlement as it goes out. */
  readonly onSettled: (settlement: Settlement) => void;
}

/** Starts answering the page around the widget, and whoever connects after it in the same page. */
export function startWidget(options: StartWidgetOptions): void {
  const { parent, allowedOrigins, createGateway, loadLive, onSettled } = options;
  let pageOrigin: string | undefined;
  let port: Port;
  const tokens = createTokenSource({ post: (event) => port.post(event), onChange: () => live.renew() });
  const sessionId = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const gateway = createGateway(createSession(tokens, () => announce("AUTH.SESSION_EXPIRED")));
  const live = createLiveService({
    gateway,
    load: () => loadLive(gateway, { announce, identify }),
    onDefect: reportError,
  });
  const services = { gateway, live, sessionId, pageOrigin: () => pageOrigin };
  const { dispatch, abortAll } = createDispatcher({ contract, handlers, services, onDefect: reportError });

  function announce(type: keyof Announcements, payload?: unknown): void {
    // A page that listens to nothing, as one with penpal alone, refuses what it is told.
    port.post({ type, ...(payload !== undefined && { payload }) }).catch(() => {});
  }

  /** The agent that the page's token stands for. The operator's stands for none. */
  async function identify(): Promise<number | undefined> {
    await tokens.take(new AbortController().signal);
    const subject = tokens.subject();
    return subject !== undefined && /^[1-9]\d*$/.test(subject) ? Number(subject) : undefined;
  }

  function serve(): void {
    const messenger = createWindowMessenger(parent, allowedOrigins, onGreeted, onEnded);
    port = openPort(withoutStacks(messenger), async (event) => {
      // With the first event after a handshake the way back is open: the token then comes while nobody waits for it yet.
      tokens.prepare();
      const settlement = await dispatch(event);
      onSettled(settlement);
      return settlement;
    });
  }

  /** Whoever asked has gone, and what they asked for, and by what token, is nothing for whoever comes. */
  function leave(): void {
    abortAll();
    live.leave();
    tokens.forget();
  }

  function onGreeted(origin: string): void {
    pageOrigin = origin;
    leave();
  }

  function onEnded(): void {
    leave();
    serve();
  }

  logRefusedOrigins(parent, allowedOrigins);
  serve();
}
