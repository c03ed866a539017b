import { StoreUnavailableError } from "../../store/availability-store.ts";
import type { RequestBudget } from "../request-budget.ts";
import { RateBudgetError, UnsupportedStatusError, type Upstream, UpstreamError } from "../upstream.ts";
import { type AircallOptions, createAircall } from "./create-aircall.ts";
import { SETTINGS } from "./status.ts";
import { createWebhookReceiver, type WebhookReceiver } from "./webhook.ts";

/** The vendor's REST API as an upstream. */
export interface AircallUpstream extends Upstream {
  /** As `recheck`, for whoever waits: resolves when the agent has been read. @throws {RateBudgetError} where too many wait. */
  refresh(userId: number): Promise<void>;
  /** Takes webhooks in; `undefined` where the settings know no token for them. */
  readonly receiveWebhook: WebhookReceiver | undefined;
}

/** What may keep an agent from being read anew, by nobody's mistake here. */
const EXPECTED_ERRORS = [UpstreamError, RateBudgetError, StoreUnavailableError];

/** Keeps a customer's agents current by polling the vendor's list of them, and reads one anew where a webhook says so. */
export function createAircallUpstream(options: AircallOptions): AircallUpstream {
  const { settings, log } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  const { budget, client, recorder, refreshes, runPoll, healthTracker } = createAircall(options, signal);
  let polling: Promise<void> | undefined;

  function refreshLater(userId: number): void {
    refreshes.refresh(userId).catch((error: unknown) => {
      // What has not been seen now the poll will see, which also tells of a system that fails.
      const isExpected = EXPECTED_ERRORS.some((type) => error instanceof type);
      if (!signal.aborted && !isExpected) log.defect(error);
    });
  }

  return {
    start() {
      polling ??= runPoll();
    },
    async stop() {
      stopped.abort(new Error("The gateway no longer follows this telephony system"));
      await Promise.all([polling, refreshes.whenIdle()]);
    },
    health: () => ({ ...healthTracker.health(), budgetLeft: budget.remaining() }),
    refresh: refreshes.refresh,
    receiveWebhook:
      settings.webhookToken === undefined
        ? undefined
        : createWebhookReceiver({ token: settings.webhookToken, onChange: refreshLater }),
    allowsNewUsers: false,
    async setStatus(userId, status, scope) {
      const setting = SETTINGS.get(status);
      if (!setting) throw new UnsupportedStatusError(status, [...SETTINGS.keys()]);
      if (!(await acquireForWrite(budget))) throw new RateBudgetError(budget.retryAfterSeconds("write"));
      await client.set(userId, setting, { ...scope, signal: AbortSignal.any([scope.signal, signal]) });
      recorder.invalidate(userId);
    },
    scheduleRefresh: refreshLater,
  };
}

/** A write may also spend what is left for refreshes: an agent waits behind it. */
async function acquireForWrite(budget: RequestBudget): Promise<boolean> {
  return (await budget.acquire("write")) || (await budget.acquire("refresh"));
}
