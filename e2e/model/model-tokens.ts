/** `fetchToken` of the page, with faults. */
import type { FetchToken } from "../../host/token/token-provider.ts";
import type { TokenFault } from "./commands.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { ModelGateway } from "./model-gateway.ts";
import { PlannedError } from "./model-page.ts";
import type { RunHistory } from "./model-watches.ts";

/** Lifetime of a token, in seconds. Short, so that tokens end in a run. */
const LIFETIME_SECONDS = 300;

/** Delay of a late token, in milliseconds: longer than the connector's timeout. */
const LATE_MS = 7_000;

export interface ModelTokensOptions {
  readonly clock: FakeClock;
  readonly gateway: ModelGateway;
  readonly history: RunHistory;
  readonly violate: (message: string) => void;
}

/** Creates a `fetchToken` with a new token for each call, unless the gateway has refused every token. */
export function createModelTokens({ clock, gateway, history, violate }: ModelTokensOptions) {
  let fault: TokenFault = "works";
  let count = 0;
  let last: { readonly token: string; readonly endsAt: number } | undefined;
  let repeatsToken = false;
  /** Time of the last revocation, which counts also for a token of the same millisecond. */
  let revokedAt = -1;
  /** Pending late calls. */
  const late = new Set<() => void>();

  const fetchToken: FetchToken = async () => {
    if (history.isDestroyed) violate("fetchToken was called after destroy()");
    const isLate = fault === "late";
    await new Promise<void>((resolve) => {
      if (isLate) late.add(resolve);
      clock.setTimer(resolve, isLate ? LATE_MS : 50);
    });
    if (fault === "fails") throw new PlannedError("The page gives no token");
    if (repeatsToken && last && last.endsAt > gateway.wallMs()) return last.token;
    count += 1;
    const issuedAt = fault === "revoked" ? -1 : clock.now();
    const exp = Math.floor(gateway.wallMs() / 1_000) + LIFETIME_SECONDS;
    const token = `model.${btoa(JSON.stringify({ sub: "1", issuedAt, exp, count })).replaceAll("=", "")}.none`;
    // A page repeats no revoked token: such a token comes from a late call that ends in the moment of the revocation.
    if (issuedAt > revokedAt) last = { token, endsAt: exp * 1_000 };
    return token;
  };

  return {
    fetchToken,
    setFault(next: TokenFault): void {
      fault = next;
      if (next !== "works") history.hadTokenFault = true;
      gateway.refuseTokens(next === "refused");
      if (next === "refused") repeatsToken = true;
      if (next !== "revoked") return;
      gateway.revokeTokens();
      revokedAt = clock.now();
      last = undefined;
    },
    /** Ends the fault. Returns true if the session may have ended: the agent has to sign in again. */
    heal(): boolean {
      const wasRevoked = fault === "revoked";
      fault = "works";
      gateway.refuseTokens(false);
      for (const resolve of late) resolve();
      late.clear();
      return wasRevoked || repeatsToken;
    },
  };
}
