/**
 * What may cross from one window to the other: plain JSON of a bounded size.
 *
 * Written by hand, without valibot, because it runs on the host's page, where every byte counts.
 */
import { invalidRequestError } from "./rejection.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Maximum size of a request's JSON, in bytes of UTF-8. */
export const MAX_REQUEST_BYTES = 64 * 1024;

/** Maximum nesting of a request; the event itself is the first level. */
export const MAX_REQUEST_DEPTH = 32;

/**
 * Copies a value as JSON, so that the page cannot change the value between the check and the post.
 * Keys with the value `undefined` are left out, as in `JSON.stringify`. The limits bound the work, except for listing an object's keys.
 *
 * @throws {BridgeRejectionError} `INVALID_REQUEST` for functions, symbols, BigInt, NaN, accessors, cycles, class instances, and values over the limits.
 */
export function cloneJson(value: unknown): Json {
  // Lower bound of the JSON text's bytes, so that a huge value stops the walk early.
  let bytes = 0;

  function countBytes(more: number): void {
    bytes += more;
    if (bytes > MAX_REQUEST_BYTES) throw invalidRequestError("", `at most ${MAX_REQUEST_BYTES} bytes of JSON`);
  }

  function copy(part: unknown, path: string, level: number): Json {
    countBytes(typeof part === "string" ? part.length + 1 : 1);
    if (isScalar(part)) return part;
    if (!isPlainContainer(part)) throw invalidRequestError(path, `JSON, not ${describe(part)}`);
    if (level > MAX_REQUEST_DEPTH) throw invalidRequestError(path, `at most ${MAX_REQUEST_DEPTH} levels and no cycle`);
    const isList = Array.isArray(part);
    const target: Record<string | number, Json> | Json[] = isList ? [] : {};
    // Every index of a list: `Object.keys` would skip a hole, and the copy would close the gap.
    for (const key of isList ? part.keys() : Object.keys(part)) {
      const property = Object.getOwnPropertyDescriptor(part, key);
      // A scalar is always valid, so the path is built for other values only: a list may hold thousands of scalars.
      const keyPath = isScalar(property?.value) ? "" : path ? `${path}.${key}` : `${key}`;
      // A getter may return another value between the check and the post.
      if (property?.get || property?.set) throw invalidRequestError(keyPath, "JSON, not an accessor");
      if (property?.value === undefined && !isList) continue;
      if (!isList) countBytes(`${key}`.length);
      const item = copy(property?.value, keyPath, level + 1);
      // An assignment to `__proto__` would set the prototype.
      if (key === "__proto__") Object.defineProperty(target, key, { ...property, value: item });
      else (target as Record<string | number, Json>)[key] = item;
    }
    return target;
  }

  const json = copy(value, "", 1);
  // The text takes at most thirty times the lower bound, so that few events need an exact count.
  if (bytes * 30 > MAX_REQUEST_BYTES) {
    bytes = 0;
    countBytes(new TextEncoder().encode(JSON.stringify(json)).length);
  }
  return json;
}

function isScalar(value: unknown): value is null | boolean | number | string {
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

/** Checks for a list or a plain object. A plain object's prototype is null or a realm's `Object.prototype`, the only prototype without a prototype. */
function isPlainContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || !prototype || !Object.getPrototypeOf(prototype);
}

function describe(value: unknown): string {
  return typeof value === "number" ? `${value}` : typeof value === "object" ? "a class instance" : typeof value;
}
