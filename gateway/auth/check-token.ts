import { decodeJwt } from "jose";
import * as v from "valibot";
import type { CustomerSettings } from "../settings/customer-settings.ts";
import type { Caller } from "./caller.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { createTokenVerifier, type TokenVerifierOptions } from "./verify-token.ts";

/** The token of `--check-token` does not hold, or cannot be checked. The message contains no part of the token. */
export class TokenCheckError extends Error {
  override readonly name = "TokenCheckError";
}

/** Customer that a token names. The signature is not checked yet. */
const NamedCustomer = v.object({ customer: v.string() });

/**
 * Checks a token as the gateway would, by the rules of the customer that the token names, or of the only one. Resolves with
 * lines for the operator: the customer, the subject, the scopes and the end.
 *
 * @throws {TokenCheckError} if the gateway would reject the token, with the reason in the words of the log.
 */
export async function checkToken(
  input: string,
  customers: readonly Pick<CustomerSettings, "id" | "tokens">[],
  options: TokenVerifierOptions = {},
): Promise<string> {
  const token = input.trim().replace(/^Bearer +/i, "");
  if (token === "") throw new TokenCheckError("expected a token on standard input");
  const customer = findCustomer(token, customers);
  if (!customer) {
    throw new TokenCheckError(
      "The token is rejected for each customer: customer: expected the id of a customer in the settings",
    );
  }
  try {
    const caller = await createTokenVerifier(customer.tokens, customer.id, options)(token);
    return describeCaller(customer.id, caller);
  } catch (error) {
    if (!(error instanceof InvalidTokenError || error instanceof KeysUnavailableError)) throw error;
    throw new TokenCheckError(`For the customer ${customer.id}: ${error.message}`, { cause: error });
  }
}

/** Finds the customer that a token names; the only one if the token names no other. */
function findCustomer<Customer extends Pick<CustomerSettings, "id">>(
  token: string,
  customers: readonly Customer[],
): Customer | undefined {
  const named = readCustomer(token);
  return customers.find(({ id }) => id === named) ?? (customers.length === 1 ? customers[0] : undefined);
}

function readCustomer(token: string): string | undefined {
  try {
    const claims = v.safeParse(NamedCustomer, decodeJwt(token));
    return claims.success ? claims.output.customer : undefined;
  } catch {
    // The verifier says what is wrong with the form of the token.
    return undefined;
  }
}

function describeCaller(customer: string, { subject, scopes, hasOnlyScp, endsAtMs }: Caller): string {
  const names = scopes.size > 0 ? [...scopes].join(" ") : "none that the gateway knows";
  const hint = hasOnlyScp ? ": it has the claim scp, and the gateway reads scope" : "";
  return [
    "The token is accepted",
    `customer: ${customer}`,
    `subject: ${subject}`,
    `scopes: ${names}${hint}`,
    `until: ${new Date(endsAtMs).toISOString()}`,
  ].join("\n");
}
