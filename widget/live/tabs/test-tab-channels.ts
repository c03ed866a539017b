/** Fake BroadcastChannels. */
import type { Channel } from "./tab-channel.ts";
import type { TestTab } from "./test-tab.ts";

type Schedule = (delayMs: number, task: () => void) => unknown;

interface End {
  readonly channel: Channel;
  readonly tab: TestTab;
  /** Messages under way from each other tab, oldest first. */
  readonly underway: Map<TestTab, (() => void)[]>;
}

/** Creates a browser's channels. Messages of one tab arrive in order; messages of two tabs may cross. */
export function createTestChannels(schedule: Schedule, delayMs: () => number) {
  const ends = new Map<string, Set<End>>();

  return {
    open(name: string, tab: TestTab): Channel {
      const all = ends.get(name) ?? new Set();
      ends.set(name, all);
      const channel: Channel = {
        onmessage: null,
        postMessage(message) {
          if (tab.isCrashed()) return;
          const copy = structuredClone(message);
          for (const end of all) if (end !== own) send(tab, end, copy);
        },
        close: () => void all.delete(own),
      };
      const own: End = { channel, tab, underway: new Map() };
      all.add(own);

      function send(from: TestTab, to: End, data: unknown): void {
        const line = to.underway.get(from) ?? [];
        to.underway.set(from, line);
        line.push(() => {
          if (all.has(to)) to.channel.onmessage?.(new MessageEvent("message", { data }));
        });
        // The first timer delivers the oldest message.
        schedule(delayMs(), () => {
          const deliver = line.shift();
          if (deliver) to.tab.run(deliver);
        });
      }
      return channel;
    },
  };
}
