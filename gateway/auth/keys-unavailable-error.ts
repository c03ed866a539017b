/**
 * Thrown when the customer's keys cannot be fetched or used, so that the token can be neither accepted nor rejected.
 * The caller may retry; the operator of the key set must act. The cause contains the reason.
 */
export class KeysUnavailableError extends Error {
  override readonly name = "KeysUnavailableError";
}
