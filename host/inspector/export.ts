/** Exports of an inspector: vectors and time lines, redacted. */
import type { Counters } from "./counters.ts";
import type { Redactor } from "./redact.ts";
import type { TimelineEntry } from "./timeline.ts";

/** A redacted entry, for exports and the console. */
export interface RedactedEntry {
  /** ISO 8601, in UTC. */
  readonly at: string;
  readonly kind: TimelineEntry["kind"];
  readonly direction: TimelineEntry["direction"];
  readonly title: string;
  readonly id?: string;
  readonly durationMs?: number;
  readonly attempt?: number;
  readonly event?: unknown;
}

/** Returns the copy of an entry without tokens and personal data. */
export function redactEntry(entry: TimelineEntry, redactor: Redactor): RedactedEntry {
  const { at, kind, direction, title, id, durationMs, attempt, event } = entry;
  return {
    at: new Date(at).toISOString(),
    kind,
    direction,
    title: event ? redactor.redactType(title) : title,
    ...(id !== undefined && { id: redactor.redactId(id) }),
    ...(durationMs !== undefined && { durationMs: Math.round(durationMs * 10) / 10 }),
    ...(attempt !== undefined && { attempt }),
    ...(event && { event: redactor.redactEvent(event) }),
  };
}

/** Writes entries and counters as JSON. */
export function writeExport(entries: readonly TimelineEntry[], counters: Counters, redactor: Redactor): string {
  const about =
    "Events of availability-bridge. Agents and requests have numbers of this file; fields that are not on a list are left out.";
  return JSON.stringify({ about, counters, entries: entries.map((entry) => redactEntry(entry, redactor)) }, null, 1);
}

/**
 * Writes an exchange in the form of `shared/vectors`: event, settlement, and the backend's answer if known from the settlement. An event without a
 * settlement stands alone.
 */
export function writeVector({ title, event, request }: TimelineEntry, redactor: Redactor): string {
  const own = withoutRef(redactor.redactEvent(event));
  const name = redactor.redactType(title);
  if (!request) return JSON.stringify({ name, event: own }, null, 1);
  const source = Object(event?.meta).source;
  const backend =
    source === "backend"
      ? { backend: { status: Object(own["meta"]).status, body: Object(own["payload"]).error ?? {} } }
      : source === "bridge"
        ? {}
        : { backend: { status: 200, body: own["payload"] } };
  return JSON.stringify(
    { name, event: withoutRef(redactor.redactEvent(request)), ...(isBackendEvent(title) && backend), settlement: own },
    null,
    1,
  );
}

/** True if the settlement's payload is the backend's own body. */
function isBackendEvent(title: string): boolean {
  return /^API\.(?:FETCH_USER|UPDATE)_AVAILABILITY_/.test(title);
}

/** Removes the connector's id and timeout. */
function withoutRef(event: unknown): Record<string, unknown> {
  const { meta, ...others } = Object(event);
  const { id: _id, timeoutMs: _timeoutMs, ...rest } = Object(meta);
  return Object.keys(rest).length ? { ...others, meta: rest } : others;
}
