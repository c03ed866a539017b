import { createHash } from "node:crypto";

/** A strong entity tag, quotes included, that changes when any of these parts does. */
export function hashTag(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return `"${hash.digest("base64url")}"`;
}
