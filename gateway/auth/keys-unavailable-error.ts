/**
 * The customer's keys could not be fetched or used, so that nothing is known of the token. It says nothing against the
 * asker, who may try again; the operator of the key set has to act. The cause says what went wrong.
 */
export class KeysUnavailableError extends Error {
  override readonly name = "KeysUnavailableError";
}
