/**
 * A fake of the vendor's API, for tests and for trying the gateway; not part of the product. Serves the endpoints that
 * the adapter uses, as recorded from the API; fails on command; and sends webhooks.
 */
import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { createFakeApi } from "./api.ts";
import { type Company, createCompany } from "./company.ts";
import { type Controls, createControlApp } from "./control.ts";
import { answerFaulty, type Fault } from "./faults.ts";
import { type Listener, openListener } from "./listener.ts";
import { createRateLimit } from "./rate-limit.ts";
import { createRequestLog, type RequestLog } from "./request-log.ts";
import { toWebhookEvents } from "./webhook-events.ts";
import { createWebhookSender, type WebhookSender } from "./webhook-sender.ts";

export interface FakeUpstreamOptions {
  /** Initial number of agents, with ids from 1. @default 3 */
  readonly users?: number;
  /** @default 60 */
  readonly requestsPerMinute?: number;
  /** @default "fake-id" */
  readonly apiId?: string;
  /** @default "fake-token" */
  readonly apiToken?: string;
  /** The clock of the rate limit, in milliseconds. @default the process's monotonic clock */
  readonly nowMs?: () => number;
}

/** A fake that the present process can call directly. */
export interface FakeUpstream {
  /** The API, without faults. */
  readonly api: Hono;
  readonly company: Company;
  readonly requests: RequestLog;
  readonly webhooks: WebhookSender;
}

/** A fake that listens. */
export interface ListeningFakeUpstream extends FakeUpstream {
  readonly origin: string;
  /** Origin of the controls over HTTP. */
  readonly controlOrigin: string;
  /** Sets or clears the fault. Resolves when the change is in effect. */
  setFault(fault: Fault | undefined): Promise<void>;
  close(): Promise<void>;
}

/** Creates a fake in the present process. */
export function createFakeUpstream(options: FakeUpstreamOptions = {}): FakeUpstream & Pick<Controls, "limit"> {
  const { users = 3, requestsPerMinute = 60, apiId = "fake-id", apiToken = "fake-token" } = options;
  const { nowMs = () => performance.now() } = options;
  const company = createCompany(users);
  const requests = createRequestLog(nowMs);
  const limit = createRateLimit(requestsPerMinute, nowMs);
  const webhooks = createWebhookSender();
  company.listen((before, after) => webhooks.send(toWebhookEvents(before, after)));
  return { api: createFakeApi({ company, limit, log: requests, apiId, apiToken }), company, requests, webhooks, limit };
}

/** Starts a fake on 127.0.0.1. Port 0 picks a free port. */
export async function startFakeUpstream(
  options: FakeUpstreamOptions & { readonly port?: number; readonly controlPort?: number } = {},
): Promise<ListeningFakeUpstream> {
  const { port = 0, controlPort = 0, ...rest } = options;
  const fake = createFakeUpstream(rest);
  const { fault, setFault, origin, close } = await serveWithFaults(fake, port);
  const controls = { ...fake, log: fake.requests, fault, setFault };
  const control = await openListener(controlPort, listener(createControlApp(controls)));
  return {
    ...fake,
    origin,
    controlOrigin: control.origin,
    setFault,
    async close() {
      await Promise.all([close(), control.refuse(), fake.webhooks.stop()]);
    },
  };
}

async function serveWithFaults({ api, requests }: FakeUpstream, port: number) {
  let current: { readonly fault: Fault; left: number } | undefined;
  const answerRightly = listener(api);
  const server: Listener = await openListener(port, (request, response) => {
    const answer = (): void => answerRightly(request, response);
    if (!current) return answer();
    const { fault } = current;
    current.left -= 1;
    if (current.left <= 0) current = undefined;
    // Requests that succeed in the end are logged there.
    if (fault.kind !== "slow") requests.add({ method: request.method ?? "", path: request.url ?? "" });
    return answerFaulty(fault, { request, response, answer });
  });
  return {
    origin: server.origin,
    close: server.refuse,
    fault: () => current?.fault,
    async setFault(fault: Fault | undefined): Promise<void> {
      const times = fault && "times" in fault ? fault.times : undefined;
      current = fault && { fault, left: times ?? Infinity };
      await (fault?.kind === "refuse" ? server.refuse() : server.listen());
    },
  };
}

function listener(app: Hono): RequestListener {
  const answer = getRequestListener(app.fetch);
  return (request, response) => void answer(request, response);
}
