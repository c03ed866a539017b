/** The widget's services for tests: over real HTTP, for a page without a token by default. */
import { createHttpGatewayClient } from "../gateway/http-gateway-client.ts";
import { createTokenSession, type TokenSession } from "../gateway/session.ts";
import { createTokenSource, type TokenSourceOptions } from "../gateway/token-source.ts";
import { createLiveService } from "../live/live-service.ts";
import type { WidgetServices } from "../services.ts";

/** Creates the session of a page that responds by `post`. */
export function testSession(
  post: TokenSourceOptions["post"] = exposesNothing,
  onExpired = (): void => {},
): TokenSession {
  return createTokenSession(createTokenSource({ post }), onExpired);
}

function exposesNothing(): Promise<never> {
  return Promise.reject(new Error("The page exposes no method"));
}

/** Creates the handlers' services over the backend at an origin. */
export function testServices(origin: string, pageOrigin: () => string | undefined = () => undefined): WidgetServices {
  const gateway = createHttpGatewayClient(new URL("/v1/", origin), testSession());
  const throwDefect = (error: unknown): never => {
    throw error;
  };
  const load = () => Promise.reject(new Error("There is nothing live here"));
  const live = createLiveService({ gateway, load, onDefect: throwDefect, reloadDocument() {} });
  return {
    gateway,
    live,
    sessionId: "this widget's own",
    pageOrigin,
    refreshToken: () => Promise.resolve(),
    onRegistered() {},
  };
}
