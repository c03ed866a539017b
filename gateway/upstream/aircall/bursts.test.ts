/**
 * Properties of the adapter in random courses of changes and webhooks, with up to three gateways over a shared store.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { RUNS_FACTOR, scaleRuns } from "../../../scripts/testing/property-runs.ts";
import type { Status } from "../../store/agent.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { createFakeUpstream, type FakeUpstream } from "../../test/fake-upstream/fake-upstream.ts";
import { toWebhookEvents } from "../../test/fake-upstream/webhook-events.ts";
import { TEST_SETTINGS } from "../../test/test-aircall.ts";
import { createTestTime, type TestTime } from "../../test/test-time.ts";
import { RateBudgetError } from "../upstream.ts";
import { createAircallUpstream } from "./aircall.ts";
import { SETTINGS, toStatus } from "./status.ts";
import { createSharedLeases } from "./test-leases.ts";

const VENDOR_STATUSES = [
  "available",
  "offline",
  "do_not_disturb",
  "in_call",
  "after_call_work",
  "in_training",
  "unheard_of",
];

interface Step {
  readonly afterMs: number;
  readonly changes: readonly { readonly userId: number; readonly vendorStatus: string }[];
  /** Statuses set by `PUT`. */
  readonly sets: readonly { readonly userId: number; readonly status: Status }[];
  /** Number of deliveries per webhook. */
  readonly copies: number;
  /** Order of webhooks delivered at once. */
  readonly order: readonly number[];
}

const steps = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(3_000), fc.nat(90_000)),
    changes: fc.array(
      fc.record({ userId: fc.integer({ min: 1, max: 130 }), vendorStatus: fc.constantFrom(...VENDOR_STATUSES) }),
      {
        maxLength: 60,
        size: "max",
      },
    ),
    sets: fc.array(
      fc.record({ userId: fc.integer({ min: 1, max: 120 }), status: fc.constantFrom(...SETTINGS.keys()) }),
      { maxLength: 3 },
    ),
    copies: fc.integer({ min: 0, max: 3 }),
    order: fc.array(fc.nat(), { minLength: 1, maxLength: 10 }),
  }),
  { maxLength: 12 },
);

const MAX_RETURN_MS = 8_000;

/** Travel times of a request to the API, for which the budget allows a second, and of the response. */
const travels = fc.array(fc.record({ thereMs: fc.nat(900), backMs: fc.nat(MAX_RETURN_MS) }), {
  minLength: 1,
  maxLength: 10,
});

interface Course {
  readonly gateways: number;
  readonly perMinute: number;
  readonly travels: readonly { readonly thereMs: number; readonly backMs: number }[];
  readonly steps: readonly Step[];
}

const course: fc.Arbitrary<Course> = fc.record({
  gateways: fc.integer({ min: 1, max: 3 }),
  perMinute: fc.integer({ min: 6, max: 60 }),
  travels,
  steps,
});

function openGateways(fake: FakeUpstream, time: TestTime, { gateways, perMinute, travels: ways }: Course) {
  const store = createMemoryStore({ clock: time.clock });
  const leaseOf = createSharedLeases(time, store);
  const respond = time.count(async (input: Parameters<typeof fetch>[0], init?: RequestInit) => {
    const response = await fake.api.request(input, init);
    // Read the body at once, so that the test's time knows every pending operation.
    return new Response(await response.text(), { status: response.status, headers: response.headers });
  });
  let sent = 0;
  const send: typeof fetch = async (input, init) => {
    const { thereMs, backMs } = ways[sent % ways.length] ?? { thereMs: 0, backMs: 0 };
    sent += 1;
    const signal = init?.signal ?? new AbortController().signal;
    await time.wait(thereMs, signal);
    const response = await respond(input, init);
    await time.wait(backMs, signal);
    return response;
  };
  const defects: unknown[] = [];
  const upstreams = Array.from({ length: gateways }, (_, owner) =>
    createAircallUpstream({
      customerId: "acme",
      settings: { ...TEST_SETTINGS, baseUrl: new URL("http://api.test/"), requestsPerMinute: perMinute },
      store: { ...store, ...leaseOf(owner) },
      log: { line: () => {}, warning: () => {}, defect: (error) => defects.push(error) },
      clock: time.clock,
      wait: time.wait,
      fetch: send,
      random: () => 0.5,
    }),
  );
  return { upstreams, store, defects };
}

/**
 * Changes agents and delivers the webhooks to the gateways, in a random order and number, while statuses are set at the
 * gateways.
 */
function applyStep(step: Step, fake: FakeUpstream, { upstreams, defects }: ReturnType<typeof openGateways>): void {
  const { changes, sets, copies, order } = step;
  for (const [index, change] of sets.entries()) {
    const request = { ...change, checkAgent: async () => {} };
    const upstream = upstreams[index % upstreams.length];
    upstream?.setStatus(request, { signal: new AbortController().signal }).catch((error: unknown) => {
      if (!(error instanceof RateBudgetError)) defects.push(error);
    });
  }
  const texts = changes.flatMap(({ userId, vendorStatus }) => {
    const before = fake.company.find(userId);
    const after = fake.company.put(userId, { availability: vendorStatus });
    return toWebhookEvents(before, after).flatMap(({ event, data }) =>
      Array<string>(copies).fill(
        JSON.stringify({ resource: event.split(".")[0], event, token: "webhook-secret", data }),
      ),
    );
  });
  const place = (index: number): number => order[index % order.length] ?? 0;
  const shuffled = texts.map((text, index) => ({ text, place: place(index) })).sort((a, b) => a.place - b.place);
  for (const [index, { text }] of shuffled.entries()) upstreams[index % upstreams.length]?.receiveWebhook?.(text);
}

test(
  "never exceeds the budget and ends with the API's state, in any course of changes, webhooks and writes",
  async () => {
    await fc.assert(
      fc.asyncProperty(course, async (run) => {
        const { perMinute, steps: runSteps } = run;
        const time = createTestTime();
        const fake = createFakeUpstream({ users: 120, requestsPerMinute: perMinute, nowMs: time.nowMs });
        const gateways = openGateways(fake, time, run);
        const { upstreams, store, defects } = gateways;
        for (const upstream of upstreams) upstream.start();
        for (const step of runSteps) {
          await time.elapse(step.afterMs);
          applyStep(step, fake, gateways);
        }
        const replica = await store.forCustomer("acme").open(new AbortController().signal);
        const isSame = (): boolean =>
          fake.company
            .users()
            .every(({ id, availability }) => replica.read(id)?.status === toStatus(availability).status) &&
          replica.size() === fake.company.users().length;
        const endedAtMs = time.nowMs();
        await time.until(() => isSame() && upstreams.every((upstream) => upstream.health().staleSinceMs === undefined));
        // The current page, two complete lists of three pages, and a page for the next gateway: the poll never starves.
        const pageMs = Math.ceil(61_000 / Math.floor(perMinute / 2)) + 1_000 + MAX_RETURN_MS;
        expect(time.nowMs() - endedAtMs).toBeLessThanOrEqual(10 * pageMs);
        expect(fake.requests.all().filter(({ status }) => status !== 200)).toEqual([]);
        expect(defects).toEqual([]);
        await Promise.all(upstreams.map((upstream) => upstream.stop()));
      }),
      { numRuns: scaleRuns(40), endOnFailure: true },
    );
  },
  120_000 * Math.max(1, RUNS_FACTOR),
);
