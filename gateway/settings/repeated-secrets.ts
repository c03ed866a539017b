import type { CustomerSettings } from "./customer-settings.ts";

/**
 * Describes secrets that a customer's list has twice: during a rotation the two names then stand for the former secret.
 * Returns a warning for each repetition, without the secret. It is no problem, since each token is verified as before,
 * and a gateway that has run with such a list has to start again.
 */
export function describeRepeatedSecrets(customers: readonly CustomerSettings[]): readonly string[] {
  return customers.flatMap(({ id, tokens }) => {
    const secrets = "secret" in tokens ? [tokens.secret].flat() : [];
    return secrets.flatMap((secret, index) => {
      const first = secrets.indexOf(secret);
      if (first === index) return [];
      return [`Customer ${id}: tokens.secret.${index} is the same secret as tokens.secret.${first}: one is enough`];
    });
  });
}
