import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { GatewayEnvironment } from "../environment.ts";
import { methodNotAllowed, problem } from "../problem.ts";

/** A webhook holds one agent, or one call. */
const MAX_BYTES = 64 * 1024;

/**
 * Takes the webhooks of a customer's upstream in. They bring their own secret in the body, and no token of an agent.
 * The vendor waits for an answer for 5 s, and turns a webhook off that it cannot deliver: it is answered before anything is done.
 */
export function createWebhookRoutes(): Hono<GatewayEnvironment> {
  const path = "/v1/upstream/webhook";
  const limit = bodyLimit({
    maxSize: MAX_BYTES,
    onError: () => problem(413, `A webhook takes at most ${MAX_BYTES} bytes`),
  });
  return new Hono<GatewayEnvironment>()
    .post(path, limit, async (context) => {
      const { receiveWebhook } = context.var.customer ?? {};
      if (!receiveWebhook) return problem(404, `Nothing is at ${context.req.path}`);
      switch (receiveWebhook(await context.req.text())) {
        case "taken":
          return context.body(null, 204);
        case "refused":
          return problem(401, "The webhook's token is not the one that is configured", {
            "WWW-Authenticate": "Webhook-Token",
          });
        case "malformed":
          return problem(400, "A webhook is JSON with resource, event, token and data");
      }
    })
    .all(path, methodNotAllowed("POST"));
}
