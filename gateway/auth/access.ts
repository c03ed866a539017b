import type { VerifyToken } from "./verify-token.ts";

/** Access rules for a customer's API. */
export interface Access {
  readonly verify: VerifyToken;
  /** Serves reads without a token. If a token is sent, it must be valid. */
  readonly anonymousReads: boolean;
}
