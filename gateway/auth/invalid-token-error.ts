/** Fault of a token. */
export type TokenFault =
  | "malformed"
  | "signature"
  | "expired"
  /** Issuer, audience, or another claim. */
  | "claims"
  | "customer";

/**
 * Thrown when a token is rejected. The caller must send another token. Only the operator's log gets the reason, because
 * the caller may have forged the token. The message contains no part of the token.
 */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";
  readonly fault: TokenFault;

  /** `fault` is `malformed` by default. */
  constructor(
    message: string,
    { fault = "malformed", ...options }: ErrorOptions & { readonly fault?: TokenFault } = {},
  ) {
    super(message, options);
    this.fault = fault;
  }
}
