import { type Context, Hono } from "hono";
import * as v from "valibot";
import { AVAILABILITY_SETTINGS, type Company } from "./company.ts";
import { Fault } from "./faults.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { RequestLog } from "./request-log.ts";
import { type WebhookSender, WebhookSettings } from "./webhook-sender.ts";

/** Parts of a fake that the controls change. */
export interface Controls {
  readonly company: Company;
  readonly limit: RateLimit;
  readonly log: RequestLog;
  readonly webhooks: WebhookSender;
  readonly fault: () => Fault | undefined;
  readonly setFault: (fault: Fault | undefined) => Promise<void>;
}

const UserChange = v.strictObject({
  availability: v.exactOptional(v.string()),
  setting: v.exactOptional(v.picklist(AVAILABILITY_SETTINGS)),
});

const WebhookEvents = v.array(v.object({ event: v.string(), data: v.record(v.string(), v.unknown()) }));

/**
 * Creates the fake's controls over HTTP, for tests that run the fake as a process. A read responds with JSON, a change
 * with 204, and an invalid request with 400 and the expected form.
 *
 * - `GET /state`: users, fault, webhooks' counts. `GET /requests`, `DELETE /requests`: the API's request log.
 * - `PUT /users/:id {availability?, setting?}`, `DELETE /users/:id`: changes an agent and sends its webhooks.
 * - `PUT /fault {kind, …}`, `DELETE /fault`: see `Fault`. `POST /block`: as if the rate limit had just been passed.
 * - `PUT /webhook {url, token, …}`, `DELETE /webhook`: the webhooks' target. `POST /webhook [{event, data}]`: sends the
 * given events.
 */
export function createControlApp(controls: Controls): Hono {
  const app = createAgentControls(controls);
  const { limit, webhooks } = controls;
  app.put("/fault", (context) => take(context, Fault, controls.setFault));
  app.delete("/fault", async (context) => {
    await controls.setFault(undefined);
    return context.body(null, 204);
  });
  app.post("/block", (context) => {
    limit.block();
    return context.body(null, 204);
  });
  app.put("/webhook", (context) => take(context, WebhookSettings, webhooks.configure));
  app.delete("/webhook", (context) => {
    webhooks.configure(undefined);
    return context.body(null, 204);
  });
  app.post("/webhook", (context) => take(context, WebhookEvents, webhooks.send));
  return app;
}

function createAgentControls({ company, log, webhooks, fault }: Controls): Hono {
  const app = new Hono();
  app.get("/state", (context) =>
    context.json({ users: company.users(), fault: fault() ?? null, webhooks: webhooks.counts() }),
  );
  app.get("/requests", (context) => context.json({ count: log.count(), requests: log.all() }));
  app.delete("/requests", (context) => {
    log.clear();
    return context.body(null, 204);
  });
  app.put("/users/:id{[1-9][0-9]*}", (context) =>
    take(context, UserChange, (change) => company.put(Number(context.req.param("id")), change)),
  );
  app.delete("/users/:id{[1-9][0-9]*}", (context) =>
    context.body(null, company.remove(Number(context.req.param("id"))) ? 204 : 404),
  );
  return app;
}

async function take<Schema extends v.GenericSchema>(
  context: Context,
  schema: Schema,
  use: (value: v.InferOutput<Schema>) => unknown,
): Promise<Response> {
  const result = v.safeParse(schema, await context.req.json().catch(() => undefined));
  if (!result.success) return context.json({ error: v.flatten(result.issues) }, 400);
  await use(result.output);
  return context.body(null, 204);
}
