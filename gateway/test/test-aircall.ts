import { onTestFinished } from "vitest";
import type { AvailabilityStore } from "../store/availability-store.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { type AircallUpstream, createAircallUpstream } from "../upstream/aircall/aircall.ts";
import type { AircallOptions } from "../upstream/aircall/create-aircall.ts";
import type { AircallSettings } from "../upstream/aircall/settings.ts";
import type { UpstreamLog } from "../upstream/upstream.ts";
import {
  type FakeUpstreamOptions,
  type ListeningFakeUpstream,
  startFakeUpstream,
} from "./fake-upstream/fake-upstream.ts";
import type { Fault } from "./fake-upstream/faults.ts";
import type { RequestLog } from "./fake-upstream/request-log.ts";
import { createTestTime, type TestTime } from "./test-time.ts";

/** The fake's credentials, and the other parts of an account. */
export const TEST_SETTINGS: Omit<AircallSettings, "baseUrl"> = {
  kind: "aircall",
  apiId: "fake-id",
  apiToken: "fake-token",
  requestsPerMinute: 60,
  webhookToken: "webhook-secret",
};

/** An adapter over the fake's sockets, on a clock of the test. */
export interface AircallSetUp {
  readonly time: TestTime;
  readonly fake: ListeningFakeUpstream;
  readonly upstream: AircallUpstream;
  /** Log lines for the operator. */
  readonly logged: readonly string[];
  /** Content of the store: each agent's status by id. */
  statuses(): Readonly<Record<number, string>>;
  readonly store: AvailabilityStore;
}

export async function setUpAircall(
  parts: Partial<AircallOptions> & {
    readonly fake?: FakeUpstreamOptions;
    readonly account?: Partial<AircallSettings>;
  } = {},
): Promise<AircallSetUp> {
  const time = createTestTime();
  const fake = await startFakeUpstream({ nowMs: time.nowMs, ...parts.fake });
  const logged: string[] = [];
  const store = createMemoryStore({ clock: time.clock });
  const settings = { ...TEST_SETTINGS, baseUrl: new URL(`${fake.origin}/`), ...parts.account };
  const upstream = createAircallUpstream({
    customerId: "acme",
    settings,
    store,
    log: tellTo(logged),
    clock: time.clock,
    wait: time.wait,
    fetch: countedFetch(time),
    random: () => 0.5,
    ...parts,
  });
  onTestFinished(async () => {
    await upstream.stop();
    await fake.close();
  });
  const replica = await store.forCustomer("acme").open(new AbortController().signal);
  const statuses = () => Object.fromEntries(Array.from(replica.agents(), ({ userId, status }) => [userId, status]));
  return { time, fake, upstream, logged, statuses, store };
}

/** A `fetch` whose calls count as under way until their bodies have been read. */
export function countedFetch(time: TestTime): typeof fetch {
  const pass = time.count((from: ReadableStream, to: WritableStream) => from.pipeTo(to).catch(() => {}));
  return time.count(async (input: Parameters<typeof fetch>[0], init?: RequestInit) => {
    const response = await fetch(input, init);
    if (!response.body) return response;
    const { readable, writable } = new TransformStream();
    void pass(response.body, writable);
    return new Response(readable, { status: response.status, headers: response.headers });
  });
}

/** Builds a webhook as the vendor posts it. */
export function testWebhook(event: string, userId: number, token = "webhook-secret"): string {
  return JSON.stringify({ resource: "user", event, timestamp: 1_700_000_000, token, data: { id: userId } });
}

/** Creates a log that stores its lines. */
export function tellTo(told: string[]): UpstreamLog {
  return {
    line: (text) => void told.push(text),
    warning: (text) => void told.push(text),
    defect: (error) => void told.push(String(error)),
  };
}

/** Headers of an answer in JSON. */
export const JSON_HEADERS = { "content-type": "application/json" };

/** A fault of the API that answers with a status and a text. */
export const respondWith = (status: number, text: string, times?: number): Fault => ({
  kind: "answer",
  status,
  text,
  headers: JSON_HEADERS,
  ...(times !== undefined && { times }),
});

/** Returns the statuses of single reads of agents, by path, since the log of requests was cleared. */
export function singleReads(fake: {
  readonly requests: RequestLog;
}): readonly (readonly [path: string, status: unknown])[] {
  const reads = fake.requests.all().filter(({ path }) => /^.v1.users.\d+.availability$/.test(path));
  return reads.map(({ path, status }) => [path, status]);
}

/** Returns the numbers of the pages that the API was asked for. */
export function pagesRead(fake: { readonly requests: RequestLog }): readonly (string | undefined)[] {
  return fake.requests.all().map(({ path }) => /availabilities\?page=(\d+)/.exec(path)?.[1]);
}
