import type { Clock } from "../../clock.ts";
import type { UpstreamLog } from "../upstream.ts";
import { type AircallClient, LAST_PAGE } from "./client.ts";
import type { Recorder } from "./recorder.ts";
import type { ListedUser } from "./schemas.ts";

/** Reads the list of all agents, a page at a time, again and again. */
export interface ListReader {
  /**
   * Reads the next page, and resolves with the moment at which the list began where this page ends it: all is known as it was then,
   * in milliseconds on the monotonic clock.
   *
   * @throws {UpstreamError} where the page cannot be read. What is known stays, and the list has to begin anew.
   */
  readNextPage(signal: AbortSignal): Promise<number | undefined>;
  /** Begins the list anew. */
  restart(): void;
  /** The agent is said to be gone. It will be removed where the next whole list does not name it either. */
  markMissing(userId: number): void;
}

export interface ListReaderOptions {
  readonly client: AircallClient;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly log: UpstreamLog;
  /** Hears of each page: who was on it, and when its reading began. */
  readonly onPage: (users: readonly ListedUser[], begun: number) => void;
}

export function createListReader({ client, recorder, clock, log, onPage }: ListReaderOptions): ListReader {
  /** Whom the last whole list did not name. Only who is missing twice is gone: agents move between pages while they are read. */
  let missing = new Set<number>();
  let hasReportedLimit = false;
  let list = startList();

  function startList() {
    return { page: 1, begun: recorder.startRead(), begunMs: clock.monotonicMs(), ids: new Set<number>() };
  }

  async function removeMissing(signal: AbortSignal): Promise<void> {
    const absent = (await recorder.knownUserIds(signal)).filter((id) => !list.ids.has(id));
    for (const id of absent) if (missing.has(id)) await recorder.remove(id, list.begun);
    missing = new Set(absent);
  }

  /** Whoever comes after the last page cannot be listed, so that nobody can be said to be missing. */
  function reportLimit(): void {
    if (hasReportedLimit) return;
    hasReportedLimit = true;
    log.warning(
      `The telephony system has more agents than the ${LAST_PAGE} pages that it lists: the others are not seen`,
    );
  }

  return {
    restart() {
      list = startList();
    },
    markMissing: (userId) => void missing.add(userId),
    async readNextPage(signal) {
      if (list.page === 1) list = startList();
      const begun = recorder.startRead();
      const { users, isLast } = await client.list(list.page, signal);
      await recorder.record(users, begun);
      onPage(users, begun);
      for (const { id } of users) list.ids.add(id);
      if (!isLast && list.page < LAST_PAGE) {
        list.page += 1;
        return undefined;
      }
      if (isLast) await removeMissing(signal);
      else reportLimit();
      const { begunMs } = list;
      list = startList();
      return begunMs;
    },
  };
}
