import * as v from "valibot";
import type { ListState, PageRead } from "../availability-store.ts";
import { Digits } from "./agent-record.ts";
import type { RedisSession } from "./redis-session.ts";

const Reply = v.tuple([Digits, v.array(v.string())]);

/** Records a read of a page of a customer's list. @throws {StoreUnavailableError} if Redis may not have kept it. */
export async function recordPage(customerId: string, read: PageRead, session: RedisSession): Promise<void> {
  const { page, readAt, isLast } = read;
  await session.write(
    "recordPage",
    [session.connection.keys.list(customerId)],
    [`${page}`, `${readAt}`, isLast ? "last" : ""],
  );
}

/** Records that a customer's list cannot be read. @throws {StoreUnavailableError} if Redis may not have kept it. */
export async function recordListFailure(customerId: string, session: RedisSession): Promise<void> {
  await session.write("recordPage", [session.connection.keys.list(customerId)], []);
}

/** Returns the state of the reads of a customer's list. @throws {StoreUnavailableError} if Redis cannot be reached. */
export async function loadListState(customerId: string, { connection }: RedisSession): Promise<ListState> {
  const [nowMicros, fields] = v.parse(Reply, await connection.run("listState", [connection.keys.list(customerId)], []));
  const values = new Map<string, number>();
  for (let index = 0; index + 1 < fields.length; index += 2) values.set(fields[index] ?? "", Number(fields[index + 1]));
  const startedMsByPage = new Map<number, number>();
  for (const [name, micros] of values) {
    // A time ahead of the clock was recorded before the clock was set back, and says nothing about the age.
    if (!/^\d+$/.test(name) || !(micros <= nowMicros)) continue;
    startedMsByPage.set(Number(name), connection.clock.toMonotonicMs(micros / 1000));
  }
  return { startedMsByPage, pageCount: values.get("pages"), isFailing: values.get("failing") === 1 };
}
