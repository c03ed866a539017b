/** Counters of an inspector: requests of the page, and statistics of the page's widgets. */
import { isRejected } from "../../shared/protocol/envelope.ts";
import type { Connector } from "../connector.ts";
import type { FulfilledPayload } from "../event-types.ts";
import { OWN_ID } from "./tap.ts";
import type { TimelineEntry } from "./timeline.ts";

/** Numbers since the inspector was opened, and since the load of each widget. */
export interface Counters {
  /** Requests sent, each counted once. */
  readonly requests: number;
  readonly rejected: number;
  /** Requests that shared a backend call. */
  readonly coalesced: number;
  /** Requests sent again to the next widget, and repeated backend calls. */
  readonly retries: number;
  /** Streams of the widget, without those of a shared worker. */
  readonly streams: number;
  /** Bytes of the backend's responses, decompressed. */
  readonly bytes: number;
}

type Statistics = FulfilledPayload<"BUS.STATS">;

const NONE: Statistics = { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 };

/** Counts entries and the statistics of widgets. */
export interface Counter {
  count(entry: TimelineEntry): void;
  /** Replaces the statistics of the present widget. Ignores a value without the counters. */
  update(statistics: unknown): void;
  read(): Counters;
}

/** Creates a counter at zero. */
export function createCounter(): Counter {
  let requests = 0;
  let rejected = 0;
  let repeats = 0;
  let present = NONE;
  /** Sum of the earlier widgets. */
  let before = NONE;
  let session: unknown;

  return {
    count({ kind, attempt, title, event }) {
      if (kind === "sent" && attempt) repeats += 1;
      else if (kind === "sent" && title !== "BUS.PING") requests += 1;
      else if (kind === "rejected") rejected += 1;
      else if (title === "BUS.REGISTER_FULFILLED") {
        const { sessionId } = Object(event?.payload);
        // A new widget counts from zero. After a lost connection the widget may be the same.
        if (sessionId !== session) {
          before = sum(before, present);
          present = NONE;
        }
        session = sessionId;
      }
    },
    update(statistics) {
      if (isStatistics(statistics)) present = statistics;
    },
    read() {
      const { coalesced, retries, streams, bytes } = sum(before, present);
      return { requests, rejected, coalesced, retries: retries + repeats, streams, bytes };
    },
  };
}

function sum(a: Statistics, b: Statistics): Statistics {
  return {
    calls: a.calls + b.calls,
    coalesced: a.coalesced + b.coalesced,
    retries: a.retries + b.retries,
    streams: a.streams + b.streams,
    bytes: a.bytes + b.bytes,
  };
}

/** Checks the answer: the widget may be years newer than the page. */
function isStatistics(value: unknown): value is Statistics {
  return Object.keys(NONE).every((name) => Number.isSafeInteger(Object(value)[name]));
}

/** Requests the widget's statistics, hidden from time lines. Resolves with `undefined` if the widget has none. */
export async function fetchStatistics(connector: Connector): Promise<unknown> {
  if (connector.state !== "ready") return undefined;
  const id = `${OWN_ID}${Math.random()}`;
  const settlement = await connector.dispatch({ type: "BUS.STATS", payload: undefined, meta: { id } });
  return isRejected(settlement) ? undefined : settlement.payload;
}
