import type { Clock } from "../../clock.ts";
import type { UpstreamLog } from "../upstream.ts";
import { type AircallClient, LAST_PAGE } from "./client.ts";
import type { Recorder } from "./recorder.ts";
import type { Removals } from "./removals.ts";
import type { ListedUser } from "./schemas.ts";

/** Reads the list of all agents page by page, again and again. */
export interface ListReader {
  /**
   * Reads the next page, or an agent whose removal is held back. After the last page, resolves with the time at which the list was started, in milliseconds on
   * the monotonic clock: the store is current as of then.
   *
   * @throws {UpstreamError} if the page cannot be read. Call `restart` then; earlier pages are stored.
   */
  readNext(signal: AbortSignal): Promise<number | undefined>;
  /** Starts the list again. */
  restart(): void;
}

export interface ListReaderOptions {
  readonly client: AircallClient;
  readonly recorder: Recorder;
  readonly removals: Removals;
  readonly clock: Clock;
  readonly log: UpstreamLog;
  /** Called when the request of a page is sent. Returns the function to call with the agents of the stored page. */
  readonly onPageStarted: () => (users: readonly ListedUser[]) => void;
}

/** One read of so many is of an agent held back, so that the list takes a third longer at most. */
const READS_PER_CHECK = 4;

export function createListReader({
  client,
  recorder,
  removals,
  clock,
  log,
  onPageStarted,
}: ListReaderOptions): ListReader {
  let hasReportedLimit = false;
  let reads = 0;
  let list = startList();

  function startList() {
    return { page: 1, readAt: 0, startedMs: clock.monotonicMs(), ids: new Set<number>() };
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
    async readNext(signal) {
      reads += 1;
      if (removals.hasHeldBack() && reads % READS_PER_CHECK === 0) {
        await removals.checkNext(signal);
        return undefined;
      }
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
      if (isLast) await removals.compareList(list.ids, list.readAt, signal);
      else reportLimit();
      const { startedMs } = list;
      list = startList();
      return startedMs;
    },
  };
}
