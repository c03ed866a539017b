import type { Clock } from "../../clock.ts";
import type { UpstreamLog } from "../upstream.ts";
import { type AircallClient, LAST_PAGE } from "./client.ts";
import type { Recorder } from "./recorder.ts";
import type { ListedUser } from "./schemas.ts";

/** Reads the list of all agents page by page, again and again. */
export interface ListReader {
  /**
   * Reads the next page. After the last page, resolves with the time at which the list was started, in milliseconds on
   * the monotonic clock: the store is current as of then.
   *
   * @throws {UpstreamError} if the page cannot be read. Call `restart` then; earlier pages are stored.
   */
  readNextPage(signal: AbortSignal): Promise<number | undefined>;
  /** Starts the list again. */
  restart(): void;
  /** Marks an agent as missing. If the next complete list does not contain the agent either, the agent is removed. */
  markMissing(userId: number): void;
}

export interface ListReaderOptions {
  readonly client: AircallClient;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly log: UpstreamLog;
  /** Called when the request of a page is sent. Returns the function to call with the agents of the stored page. */
  readonly onPageStarted: () => (users: readonly ListedUser[]) => void;
}

export function createListReader({ client, recorder, clock, log, onPageStarted }: ListReaderOptions): ListReader {
  /**
   * Agents missing from the last complete list. An agent is removed when missing twice, because agents move between
   * pages during a read.
   */
  let missing = new Set<number>();
  let hasReportedLimit = false;
  let list = startList();

  function startList() {
    return { page: 1, readAt: 0, startedMs: clock.monotonicMs(), ids: new Set<number>() };
  }

  async function removeMissing(signal: AbortSignal): Promise<void> {
    const absent = (await recorder.knownUserIds(signal)).filter((id) => !list.ids.has(id));
    for (const id of absent) if (missing.has(id)) await recorder.remove(id, list.readAt);
    missing = new Set(absent);
  }

  /** Warns once about unlisted agents beyond the last page. After an incomplete list no agent counts as missing. */
  function reportLimit(): void {
    if (hasReportedLimit) return;
    hasReportedLimit = true;
    log.warning(
      `The telephony system has more agents than the ${LAST_PAGE} pages of its list: the other agents are not shown`,
    );
  }

  return {
    restart() {
      list = startList();
    },
    markMissing: (userId) => void missing.add(userId),
    async readNextPage(signal) {
      if (list.page === 1) list = startList();
      const readAt = await recorder.startRead();
      if (list.page === 1) list.readAt = readAt;
      const onPage = onPageStarted();
      const { users, isLast } = await client.list(list.page, signal);
      await recorder.record(users, readAt);
      onPage(users);
      for (const { id } of users) list.ids.add(id);
      if (!isLast && list.page < LAST_PAGE) {
        list.page += 1;
        return undefined;
      }
      if (isLast) await removeMissing(signal);
      else reportLimit();
      const { startedMs } = list;
      list = startList();
      return startedMs;
    },
  };
}
