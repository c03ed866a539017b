import type { MiddlewareHandler } from "hono";
import type { GatewayEnvironment } from "../environment.ts";
import { OWN_USER } from "../http/routes/user-id.ts";
import { refuseOtherUser } from "./refusal-answers.ts";

/**
 * Lets agents change what the path says of themselves alone, and the customer's operator what it says of anybody.
 * It goes on paths with a `userId`, behind `authorize`, which has seen to the scope.
 */
export const demandOwnUser: MiddlewareHandler<GatewayEnvironment> = async (context, next) => {
  const subject = context.get("caller")?.subject;
  const userId = context.req.param("userId");
  // As text, so that nothing that is no user id can be somebody's.
  if (userId !== OWN_USER && subject !== "operator" && String(subject) !== userId) return refuseOtherUser();
  return next();
};
