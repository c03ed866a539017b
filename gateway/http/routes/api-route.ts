import type { Hono } from "hono";
import type { CountRejection, OnUnauthorized } from "../../auth/authorize.ts";
import type { AppEnv } from "../../hono-env.ts";
import type { OperationObject, PathItemObject } from "../../openapi/openapi-document.ts";
import type { NamedSchema } from "../../openapi/schemas.ts";
import type { StreamHub } from "../../stream/stream-hub.ts";
import type { WebhookOutcome } from "../../upstream/aircall/webhook.ts";
import type { SharedLists } from "../shared-lists.ts";

/** Services that routes use, beside those of the request's customer. */
export interface ApiRouteOptions {
  /** Open streams. */
  readonly streams: StreamHub;
  /** Lists of all agents. */
  readonly lists: SharedLists;
  /** Called for each request that a route rejects for its token. */
  readonly onUnauthorized: OnUnauthorized;
  /** Counts a request that a route rejects for its secret. */
  readonly countRejection: CountRejection;
  /** Called for each webhook, with the id of the customer in the address; `undefined` for an unknown customer. */
  readonly onWebhook: (customer: string | undefined, outcome: WebhookOutcome) => void;
}

/** Security requirements of an operation: each entry names a scheme, and an empty entry allows anonymous calls. */
export type Security = OperationObject["security"];

/** Security requirements of a gateway's calls. */
export interface CallSecurity {
  readonly reading: Security;
  readonly writing: Security;
}

/** One file of the gateway's API: the handlers of its calls, and their description in `/openapi.json`. */
export interface ApiRoute {
  /** Creates the handlers. Their paths begin with `/v1/`. */
  readonly create: (options: ApiRouteOptions) => Hono<AppEnv>;
  /** Describes the calls, by path below a server's address. */
  readonly describe: (security: CallSecurity) => Readonly<Record<string, PathItemObject>>;
  /** Schemas that the descriptions refer to by name, beside those of `gateway/openapi/schemas.ts`. */
  readonly schemas?: Readonly<Record<string, NamedSchema>>;
}
