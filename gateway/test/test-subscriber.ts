import * as v from "valibot";
import { ChangedAvailability, RemovedUser } from "../../shared/contracts/availability.ts";

/** What a reader of the stream knows, as docs/gateway-http.md tells one to go about it. */
export interface TestSubscriber {
  /** Hears what has come from the stream, in pieces of any length. Throws where it is told what it must not be told. */
  hear(text: string): void;
  /** The connection is gone, and with it the event whose end has not come. */
  disconnect(): void;
  /** What a reader names when it comes back; `undefined` where it has nothing to resume from. */
  lastEventId(): string | undefined;
  /** Whether it has been told everything since it was last told that all is void. */
  isCurrent(): boolean;
  /** What it has been told of each user, by user id. */
  users(): ReadonlyMap<number, ChangedAvailability>;
  /** Every version of a user that it has been told, removals included, in order. */
  versionsOf(userId: number): readonly number[];
  /** The names of the events that it was told, comments as an empty text. */
  events(): readonly string[];
  /** In milliseconds; `undefined` where it was not told how long to stay away. */
  retryMs(): number | undefined;
}

interface StreamEvent {
  readonly name: string;
  readonly data: unknown;
}

export interface TestSubscriberOptions {
  /** Whether a snapshot may come from a gateway that lags behind, and hold lower versions than were told before it. @default false */
  readonly mayLag?: boolean;
}

/** A reader that has heard nothing. It holds every event against the schemas that the stream is documented by. */
export function createTestSubscriber({ mayLag = false }: TestSubscriberOptions = {}): TestSubscriber {
  let unread = "";
  let lastEventId = "";
  let isCurrent = false;
  let retryMs: number | undefined;
  const events: string[] = [];
  const users = new Map<number, ChangedAvailability>();
  /** Whom it was told of since the last reset. Who was told of before that is told of once more. */
  const toldSinceReset = new Set<number>();
  /** The versions of each user that were told ever. */
  const versions = new Map<number, number[]>();

  function expectNews(userId: number, version: number): void {
    const told = versions.get(userId) ?? [];
    const known = told.at(-1) ?? -1;
    const isTold = toldSinceReset.has(userId) ? version <= known : version < known && !mayLag;
    if (isTold) throw new Error(`Version ${version} of user ${userId} is told after version ${known}`);
    told.push(version);
    versions.set(userId, told);
    toldSinceReset.add(userId);
  }

  const take: Readonly<Record<string, (data: unknown) => void>> = {
    reset(data) {
      v.parse(v.strictObject({}), data);
      users.clear();
      toldSinceReset.clear();
      isCurrent = false;
    },
    availability(data) {
      const availability = v.parse(ChangedAvailability, data);
      expectNews(availability.userId, availability.version);
      users.set(availability.userId, availability);
    },
    removal(data) {
      const { userId, version } = v.parse(RemovedUser, data);
      expectNews(userId, version);
      users.delete(userId);
    },
    current(data) {
      v.parse(v.strictObject({}), data);
      isCurrent = true;
    },
  };

  function hearBlock(block: string): void {
    const fields = new Map(block.split("\n").map((line): [string, string] => toField(line)));
    const retry = fields.get("retry");
    if (retry !== undefined) retryMs = Number(retry);
    const id = fields.get("id");
    const event = toEvent(fields);
    events.push(event?.name ?? "");
    if (event) {
      const heard = take[event.name];
      if (!heard) throw new Error(`There is no event ${event.name}`);
      heard(event.data);
    }
    // Once the event has been heard, as browsers do.
    if (id !== undefined) lastEventId = id;
  }

  return {
    hear(text) {
      const blocks = (unread + text).split("\n\n");
      unread = blocks.pop() ?? "";
      for (const block of blocks) hearBlock(block);
    },
    disconnect() {
      unread = "";
    },
    lastEventId: () => lastEventId || undefined,
    isCurrent: () => isCurrent,
    users: () => users,
    versionsOf: (userId) => versions.get(userId) ?? [],
    events: () => events,
    retryMs: () => retryMs,
  };
}

function toField(line: string): [name: string, value: string] {
  const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
  return [name, value];
}

function toEvent(fields: ReadonlyMap<string, string>): StreamEvent | undefined {
  const data = fields.get("data");
  return data === undefined ? undefined : { name: fields.get("event") ?? "message", data: JSON.parse(data) };
}
