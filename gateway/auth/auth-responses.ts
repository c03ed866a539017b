import { problem } from "../http/problem.ts";
import type { Scope } from "./caller.ts";

/** RFC 6750 §3 requires at least one parameter after the scheme. */
const CHALLENGE = 'Bearer realm="availability-bridge"';

/** Delay before a client retries while the key set is unavailable, in seconds. */
const RETRY_AFTER_SECONDS = 2;

/** Responds to a request without a token. */
export function tokenRequired(): Response {
  return unauthorizedResponse(CHALLENGE);
}

/** Responds to every invalid token alike, regardless of the fault and of the customer's existence. */
export function invalidToken(): Response {
  return unauthorizedResponse(`${CHALLENGE}, error="invalid_token"`);
}

/** Responds to a valid token without the scope of the call. */
export function insufficientScope(scope: Scope): Response {
  return problem(403, `This call needs a token with the scope ${scope}`, {
    "WWW-Authenticate": `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`,
  });
}

/** Responds to an agent who sets a different user's availability, even if the user does not exist. */
export function otherUser(): Response {
  return problem(403, "An agent's token sets that agent's availability alone");
}

/** Responds while the customer's keys are unavailable: the token may be valid. */
export function keysUnavailable(): Response {
  return problem(503, "Tokens cannot be verified at the moment", { "Retry-After": `${RETRY_AFTER_SECONDS}` });
}

function unauthorizedResponse(challenge: string): Response {
  return problem(401, "This call needs a valid token", { "WWW-Authenticate": challenge });
}
