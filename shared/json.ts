/**
 * What may cross from one window to the other: plain JSON of a bounded size.
 *
 * Written by hand, without valibot, because it runs on the host's page, where penpal is the only run-time dependency.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A request's JSON may take this many bytes of UTF-8. */
export const MAX_REQUEST_BYTES = 64 * 1024;

/** A request may nest this deep; the event itself is the first level. */
export const MAX_REQUEST_DEPTH = 32;

/** One thing that is wrong with a request: where, and what was expected there. */
export interface Issue {
  /** Keys from the event's root, joined by dots: `payload.variables.userId`. Empty for the event itself. */
  readonly path: string;
  /** Completes the sentence "expected …". */
  readonly expected: string;
}

/** A value is not JSON, or is larger or deeper than a request may be. */
export class NotJsonError extends Error {
  override readonly name = "NotJsonError";
  readonly issue: Issue;

  constructor(issue: Issue) {
    super(describeIssue(issue));
    this.issue = issue;
  }
}

/** An issue as a sentence that names the field and what was expected. */
export function describeIssue({ path, expected }: Issue): string {
  return `${path || "the event"}: expected ${expected}`;
}

/**
 * A copy of `value` that holds JSON alone, so that it can be posted and nobody can change it after the check.
 * Keys whose value is `undefined` are left out, as `JSON.stringify` does. Work is bounded by the size limit, not by the value's size.
 *
 * @throws {NotJsonError} for functions, symbols, BigInt, NaN, accessors, cycles, class instances, and what is over the limits.
 */
export function toJson(value: unknown): Json {
  const copy = copyValue(value, "", { depth: 1, ancestors: new Set(), budget: { left: MAX_REQUEST_BYTES } });
  const text = JSON.stringify(copy);
  if (text.length > MAX_REQUEST_BYTES || new TextEncoder().encode(text).length > MAX_REQUEST_BYTES) throw tooLarge();
  return copy;
}

interface Walk {
  readonly depth: number;
  readonly ancestors: Set<object>;
  /** Shared by the whole walk: a lower bound of the bytes still allowed, so that a huge value stops it early. */
  readonly budget: { left: number };
}

function copyValue(value: unknown, path: string, walk: Walk): Json {
  spend(walk.budget, 1);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") {
    spend(walk.budget, value.length);
    return value;
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refuse(path, `a JSON value, not ${value}`);
    return value;
  }
  if (typeof value !== "object") throw refuse(path, `a JSON value, not ${describeType(value)}`);
  return copyObject(value, path, walk);
}

function copyObject(value: object, path: string, walk: Walk): Json {
  if (walk.depth > MAX_REQUEST_DEPTH) throw refuse(path, `no more than ${MAX_REQUEST_DEPTH} levels`);
  if (walk.ancestors.has(value)) throw refuse(path, "no cycle");
  walk.ancestors.add(value);
  const inside = { ...walk, depth: walk.depth + 1 };
  const copy = Array.isArray(value) ? copyList(value, path, inside) : copyRecord(value, path, inside);
  walk.ancestors.delete(value);
  return copy;
}

function copyList(list: readonly unknown[], path: string, walk: Walk): Json {
  const copy: Json[] = [];
  // By index: a hole reads as undefined and is refused, where `forEach` would silently close it up.
  for (let index = 0; index < list.length; index += 1) {
    const key = String(index);
    copy.push(copyValue(readProperty(list, key, path), join(path, key), walk));
  }
  return copy;
}

function copyRecord(record: object, path: string, walk: Walk): Json {
  if (!isPlain(record)) throw refuse(path, "a plain object or array");
  const entries: [string, Json][] = [];
  for (const key of Object.keys(record)) {
    const value = readProperty(record, key, path);
    if (value === undefined) continue;
    spend(walk.budget, key.length);
    entries.push([key, copyValue(value, join(path, key), walk)]);
  }
  // Defines its properties instead of assigning them, so a key named `__proto__` stays a key.
  return Object.fromEntries(entries);
}

/** Reads a property without running a getter: what a getter returns may differ between the check and the post. */
function readProperty(target: object, key: string, path: string): unknown {
  const property = Object.getOwnPropertyDescriptor(target, key);
  if (property?.get || property?.set) throw refuse(join(path, key), "a value, not an accessor");
  return property?.value;
}

/** A plain object's prototype is null or some realm's `Object.prototype`, which is the only one that has none itself. */
function isPlain(record: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(record);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function spend(budget: { left: number }, bytes: number): void {
  budget.left -= bytes;
  if (budget.left < 0) throw tooLarge();
}

function tooLarge(): NotJsonError {
  return refuse("", `at most ${MAX_REQUEST_BYTES} bytes of JSON`);
}

function refuse(path: string, expected: string): NotJsonError {
  return new NotJsonError({ path, expected });
}

function describeType(value: unknown): string {
  return typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}
