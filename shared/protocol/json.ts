/**
 * What may cross from one window to the other: plain JSON of a bounded size.
 *
 * Written by hand, without valibot, because it runs on the host's page, where there is no run-time dependency and every byte counts.
 */
import { invalidRequest } from "./rejection.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A request's JSON may take this many bytes of UTF-8. */
export const MAX_REQUEST_BYTES = 64 * 1024;

/** A request may nest this deep; the event itself is the first level. */
export const MAX_REQUEST_DEPTH = 32;

/**
 * A copy of `value` that holds JSON alone, so that it can be posted and nobody can change it after the check.
 * Keys whose value is `undefined` are left out, as `JSON.stringify` does. The work is bounded by the limits, but for listing the keys of an object.
 *
 * @throws {Refusal} `INVALID_REQUEST` for functions, symbols, BigInt, NaN, accessors, cycles, class instances, and what is over the limits.
 */
export function toJson(value: unknown): Json {
  // A lower bound of the text's bytes, so that a huge value stops the walk early.
  let bytes = 0;

  function spend(more: number): void {
    bytes += more;
    if (bytes > MAX_REQUEST_BYTES) throw invalidRequest("", `at most ${MAX_REQUEST_BYTES} bytes of JSON`);
  }

  function copy(part: unknown, path: string, level: number): Json {
    spend(typeof part === "string" ? part.length + 1 : 1);
    if (isScalar(part)) return part;
    if (!isContainer(part)) throw invalidRequest(path, `JSON, not ${describe(part)}`);
    if (level > MAX_REQUEST_DEPTH) throw invalidRequest(path, `at most ${MAX_REQUEST_DEPTH} levels and no cycle`);
    const isList = Array.isArray(part);
    const target: Record<string | number, Json> | Json[] = isList ? [] : {};
    // Every index, so that a list's hole is refused as undefined where its keys alone would close it up.
    for (const key of isList ? part.keys() : Object.keys(part)) {
      const property = Object.getOwnPropertyDescriptor(part, key);
      // Nothing is ever wrong with a scalar, which an accessor is not, and a list may hold thousands.
      const keyPath = isScalar(property?.value) ? "" : path ? `${path}.${key}` : `${key}`;
      // What a getter returns may differ between the check and the post.
      if (property?.get || property?.set) throw invalidRequest(keyPath, "a value, not an accessor");
      if (property?.value === undefined && !isList) continue;
      if (!isList) spend(`${key}`.length);
      const item = copy(property?.value, keyPath, level + 1);
      // An assignment to this one would set the prototype.
      if (key === "__proto__") Object.defineProperty(target, key, { ...property, value: item });
      else (target as Record<string | number, Json>)[key] = item;
    }
    return target;
  }

  const json = copy(value, "", 1);
  // A value's text takes at most thirty times its lower bound, so that few events need to be written out and counted.
  if (bytes * 30 > MAX_REQUEST_BYTES) {
    bytes = 0;
    spend(new TextEncoder().encode(JSON.stringify(json)).length);
  }
  return json;
}

function isScalar(value: unknown): value is null | boolean | number | string {
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

/** A list, or a plain object: its prototype is null or some realm's `Object.prototype`, the only one that has none itself. */
function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function describe(value: unknown): string {
  return typeof value === "number" ? `${value}` : typeof value === "object" ? "a class instance" : typeof value;
}
