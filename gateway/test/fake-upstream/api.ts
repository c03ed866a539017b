import { createHash, timingSafeEqual } from "node:crypto";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as v from "valibot";
import { AVAILABILITY_SETTINGS, type Company, type FakeUser } from "./company.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { RequestLog } from "./request-log.ts";

/** Parts of the fake's API. */
export interface FakeApiOptions {
  readonly company: Company;
  readonly limit: RateLimit;
  readonly log: RequestLog;
  /** The only accepted Basic credentials. */
  readonly apiId: string;
  readonly apiToken: string;
}

const MAX_PER_PAGE = 50;
const DEFAULT_PER_PAGE = 20;

/** `page * per_page` beyond this limit is rejected. */
const MAX_LISTED = 10_000;

const StatusChange = v.object({ availability_status: v.picklist(AVAILABILITY_SETTINGS) });

/** Creates the part of the vendor's API that the adapter uses, in body shapes recorded from the API. */
export function createFakeApi(options: FakeApiOptions): Hono {
  const { company } = options;
  const app = new Hono();
  app.use(record(options.log));
  app.use("/v1/*", authenticate(options), admit(options.limit));
  app.get("/v1/ping", (context) => context.json({ ping: "pong" }));
  app.get("/v1/users/availabilities", (context) => list(context, company));
  app.get("/v1/users/:id/availability", (context) => {
    const user = company.find(Number(context.req.param("id")));
    return user ? context.json({ availability: user.availability }) : noSuchUser(context);
  });
  app.put("/v1/users/:id", async (context) => {
    const change = v.safeParse(StatusChange, await context.req.json().catch(() => undefined));
    if (!change.success) return refuse(context, 400, "Invalid availability_status");
    const user = company.set(Number(context.req.param("id")), change.output.availability_status);
    return user ? context.json({ user: toUserBody(user) }) : noSuchUser(context);
  });
  app.notFound((context) => context.json({ error: "Not Found", troubleshoot: "No such path" }, 404));
  return app;
}

/** An agent as in the API's bodies and webhooks. Has only the fields that were recorded. */
export function toUserBody({ id, setting, availability }: FakeUser): Readonly<Record<string, unknown>> {
  return {
    id,
    name: `Agent ${id}`,
    available: availability === "available",
    availability_status: setting,
    state: setting === "unavailable" ? "always_closed" : setting === "custom" ? "auto" : "always_opened",
  };
}

function list(context: Context, company: Company): Response {
  const page = readCount(context.req.query("page"), 1);
  const asked = readCount(context.req.query("per_page"), DEFAULT_PER_PAGE);
  if (page === undefined || asked === undefined) return refuse(context, 400, "Invalid pagination");
  const perPage = Math.min(asked, MAX_PER_PAGE);
  if (page * perPage > MAX_LISTED) return refuse(context, 400, "Pagination limit exceeded");
  const users = company.listed();
  const listed = users.slice((page - 1) * perPage, page * perPage);
  const link = (to: number): string => `https://api.fake.test/v1/users/availabilities?page=${to}&per_page=${perPage}`;
  return context.json({
    users: listed.map(({ id, availability }) => ({ availability, id })),
    meta: {
      count: listed.length,
      total: users.length,
      current_page: page,
      per_page: perPage,
      next_page_link: page * perPage < users.length ? link(page + 1) : null,
      previous_page_link: page > 1 ? link(page - 1) : null,
    },
  });
}

function readCount(text: string | undefined, fallback: number): number | undefined {
  if (text === undefined) return fallback;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** An error as the vendor's application sends it; errors of the vendor's gateway hold only a `message`. */
function refuse(context: Context, status: 400 | 404 | 429, error: string): Response {
  return context.json({ error, troubleshoot: "See the API reference" }, status);
}

function noSuchUser(context: Context): Response {
  return refuse(context, 404, "User not found");
}

function authenticate({ apiId, apiToken }: FakeApiOptions): MiddlewareHandler {
  const wanted = digest(`Basic ${Buffer.from(`${apiId}:${apiToken}`).toString("base64")}`);
  return async (context, next) => {
    const given = context.req.header("Authorization");
    if (!given) return context.json({ message: "Unauthorized" }, 401);
    if (!timingSafeEqual(digest(given), wanted)) return context.json({ message: "Forbidden" }, 403);
    return next();
  };
}

function admit(limit: RateLimit): MiddlewareHandler {
  return async (context, next) => {
    const refused = limit.admit();
    return refused ? refuse(context, 429, "Too Many Requests") : next();
  };
}

function record(log: RequestLog): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const { pathname, search } = new URL(context.req.url);
    const traceparent = context.req.header("traceparent");
    const tracestate = context.req.header("tracestate");
    const { method } = context.req;
    const trace = { ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) };
    log.add({ method, path: pathname + search, status: context.res.status, ...trace });
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
