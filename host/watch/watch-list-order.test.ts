/** Property of the watch list: after steps in any order, listeners and widget have the latest availabilities. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { type Asked, availability, setUp, tick, watching } from "./test-watch-list.ts";

const anyUser = fc.integer({ min: 1, max: 3 });

/** Steps of the property test, in any order. */
const happening = fc.oneof(
  fc.record({ what: fc.constant("change" as const), userId: anyUser, isAnnounced: fc.boolean() }),
  fc.record({ what: fc.constant("repeat" as const), userId: anyUser, versionsBack: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ what: fc.constant("watch" as const), userId: anyUser, watchesAnother: fc.option(anyUser) }),
  fc.record({ what: fc.constant("leave" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ what: fc.constantFrom("fulfil" as const, "wait" as const) }),
  fc.record({ what: fc.constant("reject" as const), isApplied: fc.boolean() }),
  fc.record({ what: fc.constant("name" as const), userIds: fc.uniqueArray(anyUser) }),
  fc.record({ what: fc.constantFrom("lose" as const, "find" as const, "resume" as const, "end" as const) }),
);

test("notifies each listener of the latest version, never of an older version or twice, and sends all users to the widget, after any order of steps", async () => {
  const orders = fc.array(happening, { maxLength: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      const { pageRequest, watches, asked, become, announce } = setUp();
      const latest = new Map([1, 2, 3].map((userId) => [userId, 1]));
      const listeners: { readonly userId: number; readonly heard: number[]; readonly off: () => void }[] = [];
      let named: readonly number[] = [];
      /** Users watched by the widget. */
      let watched: readonly number[] = [];
      const open = () => asked.filter(({ signal, isSettled }) => !signal.aborted && !isSettled());

      /** Connects a new widget, which watches no user. */
      function connect(): void {
        watched = [];
        become("ready");
      }
      function watch(userId: number, another: number | null): void {
        const heard: number[] = [];
        const off = watches.watch(userId, ({ version }) => {
          if (heard.push(version) === 1 && another !== null) watch(another, null);
        });
        listeners.push({ userId, heard, off });
      }
      /** Changes the users that the widget watches, and returns the added users. */
      function apply({ payload }: Asked): readonly number[] {
        const { added, removed }: { added: number[]; removed: number[] } = Object(payload).variables;
        watched = [...new Set([...watched.filter((userId) => !removed.includes(userId)), ...added])];
        return added;
      }
      function fulfil(asked: Asked): void {
        const read = apply(asked).map((userId) => [userId, availability(userId, latest.get(userId) ?? 0)]);
        asked.fulfil(Object.fromEntries(read));
      }

      for (const step of order) {
        switch (step.what) {
          case "change": {
            const version = (latest.get(step.userId) ?? 0) + 1;
            latest.set(step.userId, version);
            if (step.isAnnounced) announce(availability(step.userId, version));
            break;
          }
          case "repeat":
            announce(availability(step.userId, Math.max(0, (latest.get(step.userId) ?? 0) - step.versionsBack)));
            break;
          case "watch":
            watch(step.userId, step.watchesAnother);
            break;
          case "leave":
            for (const { off } of listeners.splice(step.at, 1)) off();
            break;
          case "fulfil":
            open().slice(0, 1).forEach(fulfil);
            break;
          case "reject":
            for (const request of open().slice(0, 1)) {
              if (step.isApplied) apply(request);
              request.reject({ code: "BACKEND_TIMEOUT", message: "", retryable: true });
            }
            break;
          case "wait":
            await tick();
            break;
          case "name":
            named = step.userIds;
            watched = named;
            pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(...named) });
            break;
          case "lose":
            watched = [];
            become("reconnecting");
            break;
          case "find":
            connect();
            break;
          case "resume":
            watches.checkWidget();
            break;
          case "end":
            watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
        }
      }
      connect();
      await tick();
      while (open().length > 0) {
        open().forEach(fulfil);
        await tick();
      }
      expect(new Set(watched)).toEqual(new Set([...named, ...listeners.map(({ userId }) => userId)]));
      for (const { userId, heard } of listeners) {
        expect(heard.at(-1)).toBe(latest.get(userId));
        expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
      }
    }),
    { numRuns: scaleRuns(1_000) },
  );
});
