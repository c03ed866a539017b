import type { CallSecurity } from "../http/routes/api-route.ts";
import { OWN_SECRET_ROUTES, TOKEN_ROUTES } from "../http/routes/index.ts";
import type { PathItemObject, ServerObject } from "./openapi-document.ts";
import { COMMON_SCHEMAS, type NamedSchema } from "./schemas.ts";
import { check, READINESS_CHECKS, readDocument } from "./service-operations.ts";

const ROUTES = [...TOKEN_ROUTES, ...OWN_SECRET_ROUTES];

/** Describes every call, by path below a server's address. */
export function toPaths(security: CallSecurity): Readonly<Record<string, PathItemObject>> {
  const servers: readonly ServerObject[] = [{ url: "./", description: "The gateway" }];
  return {
    ...Object.assign({}, ...ROUTES.map((route) => route.describe(security))),
    "/healthz": { servers, get: check("/healthz", "ok") },
    "/readyz": { servers, get: check("/readyz", "ready", READINESS_CHECKS) },
    "/openapi.json": { servers, get: readDocument },
  };
}

/** Lists every schema that a call refers to. */
export function namedSchemas(): Readonly<Record<string, NamedSchema>> {
  return { ...COMMON_SCHEMAS, ...Object.assign({}, ...ROUTES.map(({ schemas }) => schemas)) };
}
