import type { LimitExceeded } from "./limit-exceeded.ts";
import type { BucketKey } from "./token-bucket.ts";

/** Time that a client has to read a long list before the list counts as unread, in milliseconds. */
const READ_MS = 1_000;

/** Maximum unread lists of a subject. Each can be another version of the list, of a megabyte for 10,000 agents. */
const MAX_PER_SUBJECT = 8;

/** Maximum unread lists of a customer. */
const MAX_PER_CUSTOMER = 64;

/** The end of an unread list cannot be predicted. */
const RETRY_AFTER_SECONDS = 10;

/** A long list whose response is not finished. */
interface OpenList {
  readonly startedMs: number;
}

/** Counts a subject's long list until the returned function is called. Returns the limit if it is exceeded. */
export type CountUnread = (subject: BucketKey) => LimitExceeded | (() => void);

/**
 * Creates the limit of a customer's long lists that are not read. A list counts only after a second, so that a client that
 * reads may have any number. The lists of one second have few versions: the gateway encodes one at a time.
 */
export function createUnreadLimit(monotonicMs: () => number): CountUnread {
  const all = new Set<OpenList>();
  const bySubject = new Map<BucketKey, Set<OpenList>>();

  return (subject) => {
    const startedMs = monotonicMs();
    const own = bySubject.get(subject) ?? new Set();
    const exceeded =
      findExceeded("unread_lists_per_subject", own, MAX_PER_SUBJECT, startedMs) ??
      findExceeded("unread_lists", all, MAX_PER_CUSTOMER, startedMs);
    if (exceeded) return exceeded;
    const list: OpenList = { startedMs };
    bySubject.set(subject, own.add(list));
    all.add(list);
    return () => {
      all.delete(list);
      own.delete(list);
      if (own.size === 0 && bySubject.get(subject) === own) bySubject.delete(subject);
    };
  };
}

/** Returns the limit if so many of the lists, which are in the order of their starts, are unread. */
function findExceeded(
  limit: LimitExceeded["limit"],
  lists: ReadonlySet<OpenList>,
  allowed: number,
  nowMs: number,
): LimitExceeded | undefined {
  if (lists.size < allowed) return undefined;
  let unread = 0;
  for (const { startedMs } of lists) {
    if (nowMs - startedMs < READ_MS) return undefined;
    unread += 1;
    if (unread === allowed) return { limit, allowed, retryAfterSeconds: RETRY_AFTER_SECONDS };
  }
  return undefined;
}
