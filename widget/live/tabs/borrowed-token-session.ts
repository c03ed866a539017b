/** The session of a shared worker, which has no page and no token. Tabs provide a token for each request. */
import { BackendResponseError } from "../../../shared/protocol/rejection.ts";
import type { TokenSession } from "../../gateway/session.ts";
import { createTokenChannel, type TokenChannel } from "./token-channel.ts";

/** Timeout for a tab's acknowledgement, in milliseconds. A crashed tab sends no acknowledgement. */
const ACK_TIMEOUT_MS = 1_000;

/** Timeout for the page's token, in milliseconds. The page gets 5 s, and may already have a pending request. */
const TOKEN_TIMEOUT_MS = 10_000;

/** A port to a tab that provides tokens. Each message transfers a token channel. */
export interface TokenProviderPort {
  postMessage(message: unknown, transfer: Transferable[]): void;
}

export interface BorrowedTokenSession extends TokenSession {
  readonly providers: Set<TokenProviderPort>;
}

/** Creates a session without providers. */
export function createBorrowedTokenSession(): BorrowedTokenSession {
  const providers = new Set<TokenProviderPort>();

  return {
    providers,
    reset: () => providers.clear(),
    async withToken(signal, call) {
      for (const provider of providers) {
        const { port1, port2 } = new MessageChannel();
        provider.postMessage({ type: "lend" }, [port2]);
        const channel = createTokenChannel(port1);
        try {
          const result = await withBorrowedToken(channel, signal, call);
          if (result) return result.value;
        } finally {
          channel.close();
        }
        // The tab has gone, or the page has no valid token.
        providers.delete(provider);
      }
      throw new BackendResponseError(401, { title: "No tab has a valid token" });
    },
  };
}

/**
 * Calls with the tokens of one tab. Resolves to `undefined` if the gateway rejects every token, or the tab does not
 * respond.
 */
async function withBorrowedToken<Value>(
  channel: TokenChannel,
  signal: AbortSignal,
  call: (token: string | undefined) => Promise<Value>,
): Promise<{ readonly value: Value } | undefined> {
  for (
    let message = await channel.receive(ACK_TIMEOUT_MS);
    message?.isDone !== true;
    message = await channel.receive(TOKEN_TIMEOUT_MS)
  ) {
    if (!message) return undefined;
    if (message.isPresent) continue;
    signal.throwIfAborted();
    try {
      const value = await call(message.token);
      channel.send({ isAccepted: true });
      return { value };
    } catch (error) {
      const isRejected = error instanceof BackendResponseError && error.status === 401;
      channel.send({ isAccepted: !isRejected });
      if (!isRejected) throw error;
    }
  }
  return undefined;
}
