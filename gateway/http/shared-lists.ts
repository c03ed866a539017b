import type { AllReading } from "../availability-service.ts";
import { createSharedWork } from "../shared-work.ts";
import type { Turns } from "../turns.ts";
import { createAgentTexts } from "./agent-text.ts";
import { encodeAll } from "./encode-all.ts";
import { compress, MIN_BYTES } from "./routes/compression.ts";

/** Form in which a reader requests a list. */
export interface ListOptions {
  /** True for a list in gzip, if it is long enough to be compressed. */
  readonly acceptsGzip: boolean;
  /** Called with the number of agents that were formatted for this reader. */
  readonly onFormatted: (agents: number) => void;
}

/** A list's content, in JSON of ASCII, or in gzip. */
export interface ListContent {
  readonly body: Buffer<ArrayBuffer>;
  readonly isCompressed: boolean;
  /** Cursor of the list, as in `AllReading`: the reading's or a later one. */
  readonly cursor: string;
}

/** Lists of all agents, encoded and compressed once for all readers of a customer until an agent changes. */
export interface SharedLists {
  /**
   * Resolves with a list that has every change of the reading, in a turn of the event loop that is free for writing a long
   * list.
   */
  read(customer: string, reading: AllReading, options: ListOptions): Promise<ListContent>;
}

/** Time for which a list with a running wrap-up time is shared, in milliseconds. Wrap-up times are in whole seconds. */
const SHARED_MS = 1_000;

/** Minimum size of a long list, in bytes. A long list takes a turn to be written, and counts until the client has read the response. */
export const LONG_BYTES = 64 * 1024;

/** Time without a reader after which a customer's list is dropped, in milliseconds. */
const UNUSED_MS = 60_000;

/** Maximum number of cached texts of a customer. A change adds one. */
const MAX_TEXTS = 50_000;

/** Creates the lists of a gateway's customers, of which none is encoded yet. */
export function createSharedLists(turns: Turns, nowMs: () => number): SharedLists {
  const lists = new Map<string, CustomerList>();
  let nextSweepAtMs = Number.NEGATIVE_INFINITY;

  function sweep(now: number): void {
    nextSweepAtMs = now + UNUSED_MS;
    for (const [customer, list] of lists) if (list.readAtMs + UNUSED_MS <= now) lists.delete(customer);
  }

  return {
    async read(customer, reading, options) {
      const now = nowMs();
      if (now >= nextSweepAtMs) sweep(now);
      const list = lists.get(customer) ?? createCustomerList(() => turns.take(customer));
      lists.set(customer, list);
      list.readAtMs = now;
      const content = await list.read(reading, options);
      if (content.body.length >= LONG_BYTES) await turns.take(customer);
      return content;
    },
  };
}

interface CustomerList {
  readAtMs: number;
  read(reading: AllReading, options: ListOptions): Promise<ListContent>;
}

/** An encoded list with the time at which it is right. */
interface EncodedList extends Pick<AllReading, "cursor" | "validAtMs"> {
  readonly body: Buffer<ArrayBuffer>;
  readonly hasRunningTime: boolean;
  /** Compresses the list when first called. */
  gzip(): Promise<Buffer<ArrayBuffer>>;
}

/** Creates a customer's list. One encoding is made at a time, and readers that come meanwhile share the next one. */
function createCustomerList(takeTurn: () => Promise<void>): CustomerList {
  const texts = createAgentTexts(MAX_TEXTS);
  const share = createSharedWork<EncodedList>();
  let latest: EncodedList | undefined;

  async function encode(reading: AllReading, { acceptsGzip, onFormatted }: ListOptions): Promise<EncodedList> {
    const { body, formatted, hasRunningTime } = await encodeAll(reading, texts, takeTurn);
    onFormatted(formatted);
    let zipped: Promise<Buffer<ArrayBuffer>> | undefined;
    const gzip = () => (zipped ??= compress(body));
    const { cursor, validAtMs } = reading;
    const list = { body, hasRunningTime, cursor, validAtMs, gzip };
    // No change announces that an agent has become unreadable, so the cursor does not identify such a list.
    latest = reading.unreadable.length === 0 ? list : undefined;
    // A part of the encoding, so that one list of the customer is compressed at a time.
    if (acceptsGzip && body.length >= MIN_BYTES) await gzip();
    return list;
  }

  async function encodeUnlessRight(reading: AllReading, options: ListOptions): Promise<EncodedList> {
    return latest && isRight(latest, reading) ? latest : encode(reading, options);
  }

  return {
    readAtMs: 0,
    async read(reading, options) {
      const known = latest && isRight(latest, reading) ? latest : undefined;
      const list = known ?? (await share(() => encodeUnlessRight(reading.again(), options)));
      const isCompressed = options.acceptsGzip && list.body.length >= MIN_BYTES;
      return { body: isCompressed ? await list.gzip() : list.body, isCompressed, cursor: list.cursor };
    },
  };
}

/** True if a list has the agents of a reading, and wrap-up times that are right within a second. */
function isRight(list: EncodedList, { cursor, validAtMs, unreadable }: AllReading): boolean {
  if (list.cursor !== cursor || unreadable.length > 0) return false;
  const laterMs = validAtMs - list.validAtMs;
  // A wrap-up time that has ended had not, some time before.
  return laterMs > -SHARED_MS && (!list.hasRunningTime || laterMs < SHARED_MS);
}
