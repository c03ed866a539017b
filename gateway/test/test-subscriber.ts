import * as v from "valibot";
import { ChangedAvailability, RemovedUser } from "../../shared/contracts/availability.ts";

/** A subscriber's state, maintained as docs/gateway-http.md prescribes. */
export interface TestSubscriber {
  /** Processes bytes of the stream, in pieces of any length. Throws on an event that the gateway must not send. */
  hear(text: string): void;
  /** Handles a lost connection, which also loses an incomplete event. */
  disconnect(): void;
  /** The `Last-Event-ID` of the next connection; `undefined` if there is no position to resume from. */
  lastEventId(): string | undefined;
  /** True if the subscriber has the whole snapshot since the last reset. */
  isCurrent(): boolean;
  /** The last event of each user, by user id. */
  users(): ReadonlyMap<number, ChangedAvailability>;
  /** Ids of the users in all events that the subscriber has received so far. */
  userIds(): Iterable<number>;
  /** Every received version of a user, removals included, in order. */
  versionsOf(userId: number): readonly number[];
  /** Names of the received events; an empty text for a heartbeat. */
  events(): readonly string[];
  /** The delay before a reconnection, in milliseconds; `undefined` if the gateway has sent none. */
  retryMs(): number | undefined;
}

interface StreamEvent {
  readonly name: string;
  readonly data: unknown;
}

export interface TestSubscriberOptions {
  /** True if a snapshot may come from a lagging gateway and hold lower versions than earlier events. @default false */
  readonly mayLag?: boolean;
}

/** Creates a subscriber without events. Checks each event against the documented schemas of the stream. */
export function createTestSubscriber({ mayLag = false }: TestSubscriberOptions = {}): TestSubscriber {
  let unread = "";
  let lastEventId = "";
  let isCurrent = false;
  let retryMs: number | undefined;
  const events: string[] = [];
  const users = new Map<number, ChangedAvailability>();
  /** Users received since the last reset. Users from before the reset must be sent again. */
  const toldSinceReset = new Set<number>();
  /** All versions of each user since the start. */
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
    // The beginning of a stream, which is no heartbeat.
    if (block === ": open") return;
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
    // After the event has been processed, as in browsers.
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
    userIds: () => versions.keys(),
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
