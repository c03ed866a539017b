import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../hono-env.ts";
import { OWN_USER } from "../http/routes/user-id.ts";
import { otherUser } from "./auth-responses.ts";
import { describeUnauthorized, type OnUnauthorized } from "./authorize.ts";

/**
 * Passes on an agent's request about that agent, and any request of the customer's operator. Register it on paths with a
 * `userId`, behind `authorize`, which checks the scope.
 */
export function requireOwnUser(onUnauthorized: OnUnauthorized): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const subject = context.get("caller")?.subject;
    const userId = context.req.param("userId");
    // Compared as text: a text that is no user id equals no agent's.
    if (userId === OWN_USER || subject === "operator" || String(subject) === userId) return next();
    onUnauthorized(describeUnauthorized(context, "the token is an agent's, and the address another user's"));
    return otherUser();
  };
}
