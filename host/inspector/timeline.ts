/** The time line of an inspector: one entry for each record, in the order of the records. */
import { type Envelope, isRejected } from "../../shared/protocol/envelope.ts";
import type { TapRecord } from "./tap.ts";

/** Kinds of entries. `state`, `live`, `handshake` and `frame` are about the connection. */
export type EntryKind = "sent" | "fulfilled" | "rejected" | "announced" | "state" | "live" | "handshake" | "frame";

/** An entry of the time line. */
export interface TimelineEntry {
  /** Grows by one with each entry of a time line. */
  readonly serial: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: EntryKind;
  /** `out` to the widget, `in` from the widget, `here` for records within the page. */
  readonly direction: "out" | "in" | "here";
  /** Type of the event, or a change of the connection. */
  readonly title: string;
  /** `meta.id` of the request, also on the settlement. */
  readonly id?: string;
  /** Milliseconds from the call to the settlement. */
  readonly durationMs?: number;
  /** Number of attempts to send the request, from the second on: the first widget was lost with the request. */
  readonly attempt?: number;
  /** The event. */
  readonly event?: Envelope;
  /** The request of a settlement. */
  readonly request?: Envelope;
}

/** Largest number of entries: the oldest one goes first. */
export const MAX_ENTRIES = 2_000;

/** The time line. */
export interface Timeline {
  /** The entries, the oldest first. */
  readonly entries: readonly TimelineEntry[];
  /** Adds the entry of a record, and returns the entry. */
  add(record: TapRecord): TimelineEntry;
  clear(): void;
}

/** Creates an empty time line. */
export function createTimeline(maxEntries = MAX_ENTRIES): Timeline {
  const entries: TimelineEntry[] = [];
  /** How often each request in flight was sent. */
  const attempts = new Map<string, number>();
  let lastSerial = 0;

  function describe(record: TapRecord): Omit<TimelineEntry, "serial" | "at"> {
    switch (record.kind) {
      case "sent":
        return { kind: "sent", direction: "out", ...identify(record.event), ...countAttempt(record.event) };
      case "announced":
        return { kind: "announced", direction: "in", ...identify(record.event) };
      case "settled": {
        const { event: request, settlement, durationMs } = record;
        const { id } = identify(request);
        // The connector itself has rejected a request without an attempt.
        const wasSent = id !== undefined && attempts.delete(id);
        return {
          kind: isRejected(settlement) ? "rejected" : "fulfilled",
          direction: wasSent ? "in" : "here",
          title: settlement.type,
          event: settlement,
          request,
          durationMs,
          ...(id !== undefined && { id }),
        };
      }
      case "state":
        return { kind: "state", direction: "here", title: `Connector ${record.state}` };
      case "live":
        return { kind: "live", direction: "here", title: `Watches ${record.state}` };
      case "handshake":
        return { kind: "handshake", direction: "in", title: `Handshake ${record.step}` };
      case "frame":
        return { kind: "frame", direction: "here", title: "Iframe loaded" };
    }
  }

  function countAttempt({ meta }: Envelope): Pick<TimelineEntry, "attempt"> {
    if (meta?.id === undefined) return {};
    const attempt = (attempts.get(meta.id) ?? 0) + 1;
    attempts.set(meta.id, attempt);
    return attempt > 1 ? { attempt } : {};
  }

  return {
    entries,
    add(record) {
      lastSerial += 1;
      const entry = { serial: lastSerial, at: record.at, ...describe(record) };
      entries.push(entry);
      if (entries.length > maxEntries) entries.shift();
      return entry;
    },
    clear() {
      entries.length = 0;
    },
  };
}

function identify(event: Envelope): Pick<TimelineEntry, "title" | "event" | "id"> {
  const id = event.meta?.id;
  return { title: event.type, event, ...(id !== undefined && { id }) };
}

/** Groups of kinds, each with a button of the inspector. */
export const FILTERS = {
  Sent: ["sent"],
  Fulfilled: ["fulfilled"],
  Rejected: ["rejected"],
  Announced: ["announced"],
  Connection: ["state", "live", "handshake", "frame"],
} as const satisfies Readonly<Record<string, readonly EntryKind[]>>;

/** True if the entry has one of the kinds, and each word of the text in title, id or JSON, in upper or lower case. */
export function matches(entry: TimelineEntry, kinds: ReadonlySet<EntryKind>, text: string): boolean {
  if (!kinds.has(entry.kind)) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const searched = `${entry.title} ${entry.id ?? ""} ${JSON.stringify(entry.event) ?? ""}`.toLowerCase();
  return words.every((word) => searched.includes(word));
}
