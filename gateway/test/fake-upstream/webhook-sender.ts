import { setTimeout as elapse } from "node:timers/promises";
import * as v from "valibot";
import type { WebhookEnvelope, WebhookEvent } from "./webhook-events.ts";

/** Target of the webhooks, and the faults of their delivery. */
export const WebhookSettings = v.strictObject({
  url: v.pipe(v.string(), v.url()),
  token: v.string(),
  /** Number of copies of each event, because the vendor promises delivery at least once. */
  copies: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(10)), 1),
  /** True to send queued events in any order. */
  isShuffled: v.exactOptional(v.boolean(), false),
  /** Delay before a failed delivery is retried. The vendor does not document its delay. */
  retryDelayMs: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 1_000),
});
export type WebhookSettings = v.InferOutput<typeof WebhookSettings>;

/** Delivers webhooks as the vendor does: at least once, in no certain order. */
export interface WebhookSender {
  /** Sets or clears the target. Also reactivates a webhook that has turned itself off. */
  configure(settings: WebhookSettings | undefined): void;
  send(events: readonly WebhookEvent[]): void;
  /** Counts of the deliveries so far. */
  counts(): { readonly delivered: number; readonly failedAttempts: number; readonly waiting: number };
  /** Stops and discards queued events. */
  stop(): Promise<void>;
}

const TIMEOUT_MS = 5_000;

/** Number of failed attempts for one event after which the vendor turns a webhook off. */
const MAX_ATTEMPTS = 50;

export function createWebhookSender(): WebhookSender {
  const stopped = new AbortController();
  const deliveries = new Set<Promise<void>>();
  let settings: WebhookSettings | undefined;
  let delivered = 0;
  let failedAttempts = 0;

  async function deliver(target: WebhookSettings, envelope: WebhookEnvelope): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      if (await post(target.url, envelope, stopped.signal)) {
        delivered += 1;
        return;
      }
      failedAttempts += 1;
      await elapse(target.retryDelayMs, undefined, { signal: stopped.signal });
    }
    if (settings === target) settings = undefined;
  }

  function begin(target: WebhookSettings, envelope: WebhookEnvelope): void {
    const delivery = deliver(target, envelope)
      // Stopped while the delivery was queued.
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) throw error;
      })
      .finally(() => deliveries.delete(delivery));
    deliveries.add(delivery);
  }

  return {
    configure(next) {
      settings = next;
    },
    send(events) {
      if (!settings) return;
      const { token, copies, isShuffled } = settings;
      const timestamp = Math.floor(Date.now() / 1000);
      const envelopes = Array.from({ length: copies }, () =>
        events.map(({ event, data }) => ({ resource: toResource(event), event, timestamp, token, data })),
      ).flat();
      for (const envelope of isShuffled ? shuffle(envelopes) : envelopes) begin(settings, envelope);
    },
    counts: () => ({ delivered, failedAttempts, waiting: deliveries.size }),
    async stop() {
      stopped.abort();
      await Promise.all(deliveries);
    },
  };
}

/** The resource of an event is the first part of its name. */
function toResource(event: string): string {
  return event.split(".")[0] ?? event;
}

async function post(url: string, envelope: WebhookEnvelope, stopped: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(envelope),
      redirect: "manual",
      signal: AbortSignal.any([stopped, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Refused, reset or late: counted as a failed attempt.
    return false;
  }
}

function shuffle<Item>(items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
