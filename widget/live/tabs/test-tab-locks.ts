/** Fake Web Locks. */

import type { TestTab } from "./test-tab.ts";
import type { Locks } from "./web-locks-election.ts";

type Schedule = (delayMs: number, task: () => void) => unknown;

interface Waiting {
  readonly tab: TestTab;
  readonly grant: () => void;
}

/** Creates a browser's locks. */
export function createTestLocks(schedule: Schedule, delayMs: () => number) {
  const holders = new Map<string, Waiting>();
  const queues = new Map<string, Waiting[]>();

  function queueOf(name: string): Waiting[] {
    const queue = queues.get(name) ?? [];
    queues.set(name, queue);
    return queue;
  }

  function grantNext(name: string): void {
    if (holders.has(name)) return;
    const next = queueOf(name).shift();
    if (!next) return;
    holders.set(name, next);
    schedule(delayMs(), () => next.tab.run(next.grant));
  }

  function release(name: string, holder: Waiting): void {
    if (holders.get(name) !== holder) return;
    holders.delete(name);
    grantNext(name);
  }

  function of(tab: TestTab): Locks {
    return {
      request: (name, { signal, ifAvailable }, granted) =>
        new Promise((resolve, reject) => {
          if (ifAvailable && holders.has(name)) {
            resolve(granted(null));
            return;
          }
          const waiting: Waiting = {
            tab,
            grant: () =>
              void Promise.resolve(granted({}))
                .then(resolve, reject)
                .finally(() => release(name, waiting)),
          };
          queueOf(name).push(waiting);
          signal?.addEventListener("abort", () => {
            const queue = queueOf(name);
            const at = queue.indexOf(waiting);
            // An abort does not release a held lock.
            if (at < 0) return;
            queue.splice(at, 1);
            reject(signal.reason);
          });
          grantNext(name);
        }),
      query: () => Promise.resolve({ held: [...holders.keys()].map((name) => ({ name })) }),
    };
  }

  return {
    of,
    /** Drops a tab's held and pending locks. */
    crash(tab: TestTab): void {
      for (const [name, queue] of queues)
        queues.set(
          name,
          queue.filter((waiting) => waiting.tab !== tab),
        );
      for (const [name, holder] of holders) if (holder.tab === tab) release(name, holder);
    },
  };
}
