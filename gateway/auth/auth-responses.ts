import { problem } from "../http/problem.ts";
import type { Scope } from "./caller.ts";

/** RFC 6750 §3 has at least one parameter follow the scheme. */
const CHALLENGE = 'Bearer realm="availability-bridge"';

/** How long an asker should wait for a key set that cannot be had, in seconds. */
const RETRY_AFTER_SECONDS = 2;

/** The answer to whoever brings no token. */
export function tokenRequired(): Response {
  return answerUnauthorized(CHALLENGE);
}

/** The answer to every token that does not hold, whatever is wrong with it, and whether or not there is such a customer. */
export function invalidToken(): Response {
  return answerUnauthorized(`${CHALLENGE}, error="invalid_token"`);
}

/** The answer to a token that holds and does not allow the call. */
export function insufficientScope(scope: Scope): Response {
  return problem(403, `This call needs a token with the scope ${scope}`, {
    "WWW-Authenticate": `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`,
  });
}

/** The answer to an agent who wants to set another's availability, whether or not there is such a user. */
export function otherUser(): Response {
  return problem(403, "An agent's token sets that agent's availability alone");
}

/** The answer while a customer's keys cannot be had, where the token may be as good as any. */
export function keysUnavailable(): Response {
  return problem(503, "Tokens cannot be verified at the moment", { "Retry-After": `${RETRY_AFTER_SECONDS}` });
}

function answerUnauthorized(challenge: string): Response {
  return problem(401, "This call needs a valid token", { "WWW-Authenticate": challenge });
}
