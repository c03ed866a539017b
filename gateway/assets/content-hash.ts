import { createHash } from "node:crypto";

/** Creates a strong entity tag, quotes included, from the hash of these parts. */
export function hashTag(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return `"${hash.digest("base64url")}"`;
}
