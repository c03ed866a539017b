import type { VerifyToken } from "./verify-token.ts";

/** Who gets to a customer's calls. */
export interface Access {
  readonly verify: VerifyToken;
  /** Whether a read without a token is served. A token that is there has to hold all the same. */
  readonly anonymousReads: boolean;
}
