import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { AppEnv } from "../../hono-env.ts";
import type { OperationObject } from "../../openapi/openapi-document.ts";
import { HEADERS, json, MALFORMED, problemResponse, responseOf } from "../../openapi/responses.ts";
import { createWebhookReceiver, WebhookEnvelope } from "../../upstream/aircall/webhook.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import type { ApiRoute, ApiRouteOptions } from "./api-route.ts";

const PATH = "/v1/upstream/webhook";

/** Operation that the telephony system calls. */
const RECEIVE_WEBHOOK: OperationObject = {
  operationId: "takeWebhook",
  summary: "Receives a change of an agent, or of a call's agents, from the telephony system",
  description: "The gateway reads the agents again from the telephony system.",
  security: [],
  requestBody: {
    required: true,
    content: json("Webhook", { resource: "user", event: "user.opened.v2", token: "secret", data: { id: 123 } }),
  },
  responses: {
    ...MALFORMED,
    ...problemResponse(413, "A request's body has at most 1048576 bytes"),
    ...problemResponse(401, "The token in the body is not this customer's", {
      "WWW-Authenticate": { description: "The challenge.", required: true, schema: { const: "Webhook-Token" } },
    }),
    ...problemResponse(
      429,
      "At most 600 requests a minute with a bad token or secret are allowed from one address, at each gateway",
      HEADERS.retryAfter,
    ),
    ...problemResponse(503, "The gateway has as many long webhooks as it can hold", HEADERS.retryAfter),
    204: responseOf("The gateway will read the agents again.", {}),
  },
};

/**
 * Receives the webhooks of a customer's upstream. The body contains the upstream's secret, in place of an agent's
 * token. The vendor waits 5 s for a response and disables a failing webhook, so the gateway responds before it acts.
 *
 * An unknown customer, or a customer without a webhook, gets the response of a wrong secret, after the same work.
 */
function createWebhookRoutes({ countRejection, onWebhook }: ApiRouteOptions): Hono<AppEnv> {
  const receiveUnknown = createWebhookReceiver({ token: randomUUID(), onChange: () => {} });
  return new Hono<AppEnv>()
    .post(PATH, async (context) => {
      const { customer } = context.var;
      const receive = customer?.receiveWebhook ?? receiveUnknown;
      const outcome = receive(await context.req.text());
      onWebhook(customer?.id, outcome);
      switch (outcome) {
        case "accepted":
          return context.body(null, 204);
        case "rejected":
          return countRejection(context) ?? rejectToken();
        case "malformed":
          return problem(400, "A webhook is JSON with resource, event, token and data");
      }
    })
    .all(PATH, methodNotAllowed("POST"));
}

function rejectToken(): Response {
  return problem(401, "The token in the body is not this customer's", { "WWW-Authenticate": "Webhook-Token" });
}

/** Webhooks of the telephony system. */
export const webhookRoute: ApiRoute = {
  create: createWebhookRoutes,
  describe: () => ({ [PATH]: { post: RECEIVE_WEBHOOK } }),
  schemas: {
    Webhook: {
      schema: WebhookEnvelope,
      description: "The telephony system's webhook. `token` is the secret that it shares with the gateway.",
    },
  },
};
