import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../hono-env.ts";
import { OWN_USER } from "../http/routes/user-id.ts";
import { otherUser } from "./auth-responses.ts";
import { describeUnauthorized, type OnUnauthorized } from "./authorize.ts";

/**
 * Passes on an agent's request about the agent's own user, and every request of the customer's operator. Register it on
 * paths with a `userId`, after `authorize`, which checks the scope.
 */
export function requireOwnUser(onUnauthorized: OnUnauthorized): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const subject = context.get("caller")?.subject;
    const userId = context.req.param("userId");
    // Compare as text: a text other than a user id never equals an agent's id.
    if (userId === OWN_USER || subject === "operator" || String(subject) === userId) return next();
    onUnauthorized(
      describeUnauthorized(context, "other_user", "the token is an agent's, and the address another user's"),
    );
    return otherUser();
  };
}
