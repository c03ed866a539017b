import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { AppEnv } from "../../hono-env.ts";
import { createWebhookReceiver } from "../../upstream/aircall/webhook.ts";
import { methodNotAllowed, problem } from "../problem.ts";

/**
 * Receives the webhooks of a customer's upstream. The body contains the upstream's secret, in place of an agent's
 * token. The vendor waits 5 s for a response and disables a failing webhook, so the gateway responds before it acts.
 *
 * An unknown customer, or a customer without a webhook, gets the response of a wrong secret, after the same work.
 */
export function createWebhookRoutes(): Hono<AppEnv> {
  const path = "/v1/upstream/webhook";
  const receiveUnknown = createWebhookReceiver({ token: randomUUID(), onChange: () => {} });
  return new Hono<AppEnv>()
    .post(path, async (context) => {
      const receive = context.var.customer?.receiveWebhook ?? receiveUnknown;
      switch (receive(await context.req.text())) {
        case "accepted":
          return context.body(null, 204);
        case "rejected":
          return problem(401, "The token in the body is not this customer's", { "WWW-Authenticate": "Webhook-Token" });
        case "malformed":
          return problem(400, "A webhook is JSON with resource, event, token and data");
      }
    })
    .all(path, methodNotAllowed("POST"));
}
