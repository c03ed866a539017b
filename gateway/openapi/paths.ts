import { changeOne, changeOwn, followAll, readMany, readOne, type Security } from "./availability-operations.ts";
import type { PathItemObject, ServerObject } from "./openapi-document.ts";
import { check, EXCLUDE, readDocument, receiveWebhook } from "./service-operations.ts";

/** Creates the operations by their path below a server's address. */
export function toPaths(reading: Security, writing: Security): Readonly<Record<string, PathItemObject>> {
  const servers: readonly ServerObject[] = [{ url: "./", description: "The gateway" }];
  return {
    // Before the parameter's route, which would match `me` as well.
    "/v1/users/me/availability": { put: changeOwn(writing) },
    "/v1/users/{userId}/availability": { get: readOne(reading), put: changeOne(writing) },
    "/v1/availabilities": { get: readMany(reading) },
    "/v1/availabilities/stream": { get: followAll(reading) },
    "/v1/upstream/webhook": { post: receiveWebhook },
    "/healthz": { servers, get: check("/healthz", "ok") },
    "/readyz": { servers, get: check("/readyz", "ready", [EXCLUDE]) },
    "/openapi.json": { servers, get: readDocument },
  };
}
