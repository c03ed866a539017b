import * as v from "valibot";
import type { ListFailures, ListState, PageRead, UpstreamBlock } from "../upstream-reads.ts";
import { Digits } from "./agent-record.ts";
import type { RedisClock } from "./redis-clock.ts";
import type { RedisSession } from "./redis-session.ts";

const Reply = v.tuple([Digits, v.array(v.string())]);
const Failures = v.tuple([Digits, Digits]);

/** Number of failures in a row after which the poll moves to the next gateway: this gateway may have no way to the API. */
const FAILURES_PER_MOVE = 3;

const listKeys = (customerId: string, { connection: { keys } }: RedisSession) => [
  keys.list(customerId),
  keys.lateLists,
  keys.lists,
];

/** Records a read of a page of a customer's list. @throws {StoreUnavailableError} if Redis may not have kept it. */
export async function recordPage(customerId: string, read: PageRead, session: RedisSession): Promise<void> {
  const { page, readAt, isLast, pageIntervalMs, graceMs } = read;
  const values = [customerId, `${page}`, `${readAt}`, isLast ? "last" : "", `${pageIntervalMs}`, `${graceMs}`];
  await session.write("recordPage", listKeys(customerId, session), values);
}

/**
 * Records that a customer's list cannot be read, and returns how often it has failed.
 *
 * @throws {StoreUnavailableError} if Redis may not have kept it.
 */
export async function recordListFailure(
  customerId: string,
  reason: string,
  session: RedisSession,
): Promise<ListFailures> {
  const values = [customerId, `${FAILURES_PER_MOVE}`, reason];
  const [failureCount, moves] = v.parse(
    Failures,
    await session.write("recordListFailure", listKeys(customerId, session), values),
  );
  return { failureCount, moves, reason };
}

/** Returns the state of the reads of a customer's list. @throws {StoreUnavailableError} if Redis cannot be reached. */
export async function loadListState(customerId: string, { connection }: RedisSession): Promise<ListState> {
  const [nowMicros, fields] = v.parse(Reply, await connection.run("listState", [connection.keys.list(customerId)], []));
  const values = new Map<string, string>();
  for (let index = 0; index + 1 < fields.length; index += 2) values.set(fields[index] ?? "", fields[index + 1] ?? "");
  const startedMsByPage = new Map<number, number>();
  for (const [name, text] of values) {
    const micros = Number(text);
    // A time ahead of the clock was recorded before the clock was set back, and says nothing about the age.
    if (!/^\d+$/.test(name) || !(micros <= nowMicros)) continue;
    startedMsByPage.set(Number(name), connection.clock.toMonotonicMs(micros / 1000));
  }
  return {
    startedMsByPage,
    pageCount: values.has("pages") ? Number(values.get("pages")) : undefined,
    failureCount: Number(values.get("failing") ?? 0),
    moves: Number(values.get("moves") ?? 0),
    reason: values.get("reason") ?? "",
    block: toBlock(values.get("block"), nowMicros, connection.clock),
  };
}

/** Converts the end of a block in microseconds with its length in milliseconds; `undefined` for another text. */
export function toBlock(text: string | undefined, nowMicros: number, clock: RedisClock): UpstreamBlock | undefined {
  const [, end, length] = /^(\d+),(\d+)$/.exec(text ?? "") ?? [];
  if (end === undefined || length === undefined) return undefined;
  // An end that is further ahead was recorded before the clock was set back.
  const endMs = Math.min(Number(end) / 1000, nowMicros / 1000 + Number(length));
  return { startsMs: clock.toMonotonicMs(endMs - Number(length)), endsMs: clock.toMonotonicMs(endMs) };
}
