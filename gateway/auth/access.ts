import type { Caller } from "./caller.ts";
import type { VerifyToken } from "./verify-token.ts";

/** Access rules for a customer's API. */
export interface Access {
  readonly verify: VerifyToken;
  /** Serves reads without a token. If a token is sent, it must be valid. */
  readonly anonymousReads: boolean;
  /**
   * True while the gateway serves the customer, and accepts tokens of the secret or key that signed the caller's token. A reload may end
   * either. @default always true
   */
  readonly isStillAllowed?: (caller: Caller | undefined) => boolean;
}
