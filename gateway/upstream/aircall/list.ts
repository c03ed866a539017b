import type { Clock } from "../../clock.ts";
import type { PageRead, ReadStart } from "../../store/upstream-reads.ts";
import type { UpstreamLog } from "../upstream.ts";
import { type AircallClient, LAST_PAGE } from "./client.ts";
import type { Recorder } from "./recorder.ts";
import type { Removals } from "./removals.ts";
import type { LeftOutEntries, ListedUser } from "./schemas.ts";

/** Reads the list of all agents page by page, again and again. */
export interface ListReader {
  /**
   * Reads the next page, or an agent missing from two lists. `readAt` is the present time of the store.
   *
   * @throws {UpstreamError} if the API fails. Call `handleFailure` then.
   * @throws {StoreUnavailableError} in the same way.
   */
  readNext(readAt: ReadStart, signal: AbortSignal): Promise<void>;
  /** Decides after a failed read which page to read next. */
  handleFailure(): void;
  /** Continues with a page of the list, after another gateway has read the list. */
  resumeAt(page: number): void;
}

/** Page whose agents are stored. */
export interface ListedPage extends Pick<PageRead, "page" | "readAt" | "isLast"> {
  readonly startedMs: number;
}

export interface ListReaderOptions {
  readonly client: AircallClient;
  readonly recorder: Recorder;
  readonly removals: Removals;
  readonly clock: Clock;
  readonly log: UpstreamLog;
  /** Called when a page has been stored. `startedMs` is the start of the read on the monotonic clock. */
  readonly onPageStored: (read: ListedPage) => Promise<void>;
  /** Called when the request of a page is sent. Returns the function to call with the agents of the stored page. */
  readonly onPageStarted: () => (users: readonly ListedUser[]) => void;
}

/** Number of pages read for each agent checked, so that lists take a third longer at most, and a few reads more at times. */
const PAGES_PER_CHECK = 3;

/** Number of agents checked without a page between them, so that few agents are removed soon. */
const MAX_CHECKS_IN_A_ROW = 3;

/** Number of pages that can be saved for later checks. */
const MAX_PAGES_TO_SPEND = PAGES_PER_CHECK * MAX_CHECKS_IN_A_ROW;

/**
 * Number of failures after which the next page is tried. If it fails too, the API fails, and the list continues with the
 * page that failed first.
 */
const MAX_PAGE_FAILURES = 3;

export function createListReader(options: ListReaderOptions): ListReader {
  const { client, recorder, removals, clock, log, onPageStored, onPageStarted } = options;
  let hasReportedLimit = false;
  let hasReportedLeftOut = false;
  /** Pages read and not spent for a check. */
  let pagesToSpend = MAX_PAGES_TO_SPEND;
  let list = startList(1);
  /** Reads of the page that have begun since a page was read. */
  let attempts = 0;
  /** Page that was left out after failures, until the page after it has been read. */
  let skippedPage: number | undefined;

  /**
   * Starts a list. Unless it starts at the first page, it is no whole list, and no agent counts as missing from it. Nor is
   * a list with entries that cannot be read.
   */
  function startList(page: number) {
    return { page, isWhole: page === 1, ids: new Set<number>() };
  }

  /** Warns once about unlisted agents beyond the last page. After an incomplete list no agent counts as missing. */
  function reportLimit(): void {
    if (hasReportedLimit) return;
    hasReportedLimit = true;
    log.warning(
      `The telephony system has more agents than the ${LAST_PAGE} pages of its list: the other agents are not shown`,
    );
  }

  /** Warns once about entries that cannot be read. */
  function reportLeftOut({ count, problem }: LeftOutEntries, page: number): void {
    if (hasReportedLeftOut) return;
    hasReportedLeftOut = true;
    log.warning(
      `The telephony system lists agents that cannot be read, ${count} of them on page ${page} (${problem}): the gateway leaves them out, and removes no agent after such a list`,
    );
  }

  async function readPage(readAt: ReadStart, signal: AbortSignal): Promise<void> {
    const { page } = list;
    attempts += 1;
    const startedMs = clock.monotonicMs();
    if (page === 1) list = startList(1);
    const onPage = onPageStarted();
    const { users, leftOut, isLast } = await client.list(page, signal);
    if (leftOut) {
      list.isWhole = false;
      reportLeftOut(leftOut, page);
    }
    await recorder.record(users, readAt);
    onPage(users);
    for (const { id } of users) list.ids.add(id);
    const isEnd = isLast || page >= LAST_PAGE;
    if (isLast && list.isWhole) await removals.compareList(list.ids, signal);
    if (isEnd && !isLast) reportLimit();
    await onPageStored({ page, readAt, isLast: isEnd, startedMs });
    attempts = 0;
    skippedPage = undefined;
    pagesToSpend = Math.min(pagesToSpend + 1, MAX_PAGES_TO_SPEND);
    if (isEnd) list = startList(1);
    else list.page += 1;
  }

  return {
    async readNext(readAt, signal) {
      if (!removals.hasUnchecked() || pagesToSpend < PAGES_PER_CHECK) return readPage(readAt, signal);
      pagesToSpend -= PAGES_PER_CHECK;
      return removals.checkNext(signal);
    },
    handleFailure() {
      // Pages come before checks.
      pagesToSpend = 0;
      if (skippedPage !== undefined) {
        list = startList(skippedPage);
        skippedPage = undefined;
        attempts = 0;
      } else if (attempts >= MAX_PAGE_FAILURES) {
        skippedPage = list.page;
        list = startList(list.page + 1);
      }
    },
    resumeAt(page) {
      list = startList(page);
      attempts = 0;
      skippedPage = undefined;
    },
  };
}
