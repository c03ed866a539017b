import { changeOne, changeOwn, followAll, readMany, readOne, type Security } from "./availability-operations.ts";
import type { PathItemObject, ServerObject } from "./openapi-document.ts";
import { check, describeItself, EXCLUDE, takeWebhook } from "./service-operations.ts";

/** Every call, by its path below a server's address. */
export function toPaths(reading: Security, writing: Security): Readonly<Record<string, PathItemObject>> {
  const servers: readonly ServerObject[] = [{ url: "./", description: "The gateway" }];
  return {
    // Before the one below, whose name would stand for `me` as well.
    "/v1/users/me/availability": { put: changeOwn(writing) },
    "/v1/users/{userId}/availability": { get: readOne(reading), put: changeOne(writing) },
    "/v1/availabilities": { get: readMany(reading) },
    "/v1/availabilities/stream": { get: followAll(reading) },
    "/v1/upstream/webhook": { post: takeWebhook },
    "/healthz": { servers, get: check("/healthz", "ok") },
    "/readyz": { servers, get: check("/readyz", "ready", [EXCLUDE]) },
    "/openapi.json": { servers, get: describeItself },
  };
}
