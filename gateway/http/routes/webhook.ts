import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { AppEnv } from "../../hono-env.ts";
import { createWebhookReceiver } from "../../upstream/aircall/webhook.ts";
import { methodNotAllowed, problem } from "../problem.ts";

/**
 * Takes the webhooks of a customer's upstream in. They bring their own secret in the body, and no token of an agent.
 * The vendor waits for an answer for 5 s, and turns a webhook off that it cannot deliver: it is answered before anything is done.
 *
 * A customer that does not exist, or has no webhook, is answered as one whose secret nobody knows, by the same work.
 */
export function createWebhookRoutes(): Hono<AppEnv> {
  const path = "/v1/upstream/webhook";
  const receiveNobodys = createWebhookReceiver({ token: randomUUID(), onChange: () => {} });
  return new Hono<AppEnv>()
    .post(path, async (context) => {
      const receive = context.var.customer?.receiveWebhook ?? receiveNobodys;
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
