import { setMaxListeners } from "node:events";
import type { StoredAgent } from "../../store/agent.ts";
import { StoreUnavailableError } from "../../store/availability-store.ts";
import { runWithJoinedSignal } from "../joined-signal.ts";
import { type RequestBudget, type Reservation, toRateBudgetError } from "../request-budget.ts";
import {
  RateBudgetError,
  UnsupportedStatusError,
  type Upstream,
  type UpstreamContext,
  UpstreamError,
} from "../upstream.ts";
import { type AircallOptions, createAircall } from "./create-aircall.ts";
import { SETTINGS, type Setting } from "./status.ts";
import { createWebhookReceiver, type WebhookReceiver } from "./webhook.ts";

/** Upstream over the vendor's REST API. */
export interface AircallUpstream extends Upstream {
  /**
   * Reads an agent when the budget allows it, and resolves when the agent has been read. @throws {RateBudgetError} if
   * too many agents are waiting.
   */
  refresh(userId: number): Promise<void>;
  readonly setStatus: NonNullable<Upstream["setStatus"]>;
  /** Receives webhooks; `undefined` if the settings contain no webhook token. */
  readonly receiveWebhook: WebhookReceiver | undefined;
}

/** Errors of a refresh that are no defect of the gateway. */
const EXPECTED_ERRORS = [UpstreamError, RateBudgetError, StoreUnavailableError];

/**
 * Creates an upstream that polls the vendor's list of agents and reads an agent again when a webhook reports a change.
 */
export function createAircallUpstream(options: AircallOptions): AircallUpstream {
  const { settings } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  // Each request under way adds a listener, and Node would warn of a leak from the eleventh on.
  setMaxListeners(0, signal);
  const { log, isPolling, budget, client, readAgent, removals, refreshes, agentLock, startPoll, healthTracker } =
    createAircall(options, signal);
  let polling: Promise<void> | undefined;

  function refreshLater(userId: number): void {
    refreshes.refresh(userId).catch((error: unknown) => {
      // The next poll reads the agent and reports a failing system.
      const isExpected = EXPECTED_ERRORS.some((type) => error instanceof type);
      if (!signal.aborted && !isExpected) log.defect(error);
    });
  }

  /** Sets an agent's status. If the API may have made the change in spite of an error, reads the agent again later. */
  async function sendChange(userId: number, setting: Setting, scope: UpstreamContext): Promise<void> {
    try {
      await client.set(userId, setting, scope);
    } catch (error) {
      // A request that the API rejects with 4xx changes nothing.
      const isRejected = error instanceof UpstreamError && error.status !== undefined && error.status < 500;
      if (!isRejected) refreshLater(userId);
      throw error;
    }
  }

  async function change(userId: number, setting: Setting, scope: UpstreamContext): Promise<StoredAgent | undefined> {
    // Reserve both requests before sending any: after the change, the gateway must read the agent.
    const reading = await reserveForWrite(budget);
    if (!reading || !(await acquireForWrite(budget))) {
      // Before the reservation is canceled: it is not enough for a change.
      const error = toRateBudgetError(budget, "write");
      reading?.cancel();
      throw error;
    }
    try {
      await sendChange(userId, setting, scope);
    } catch (error) {
      reading.cancel();
      throw error;
    }
    try {
      if (!(await reading.renew())) throw toRateBudgetError(budget, "write");
      // Read the agent even if the caller has left.
      return await readAgent(userId);
    } catch (error) {
      refreshLater(userId);
      throw error;
    }
  }

  return {
    start() {
      polling ??= startPoll();
    },
    async stop() {
      stopped.abort(new UpstreamError("The gateway no longer polls this telephony system"));
      await Promise.all([polling, refreshes.whenIdle()]);
    },
    health: () => ({
      ...healthTracker.health(),
      budgetLeft: budget.remaining(),
      removalsHeldBack: removals.heldBackCount(),
      isPolling: isPolling(),
    }),
    refresh: refreshes.refresh,
    receiveWebhook:
      settings.webhookToken === undefined
        ? undefined
        : createWebhookReceiver({ token: settings.webhookToken, onChange: refreshLater }),
    allowsNewUsers: false,
    async setStatus({ userId, status, checkAgent }, scope) {
      const setting = SETTINGS.get(status);
      if (!setting) throw new UnsupportedStatusError(status, [...SETTINGS.keys()]);
      return runWithJoinedSignal([scope.signal, signal], (joined) =>
        agentLock.run(userId, joined, async () => {
          await checkAgent();
          return change(userId, setting, { ...scope, signal: joined });
        }),
      );
    },
  };
}

/** Reserves a request for a write, also from the share of refreshes, as `acquireForWrite` does. */
async function reserveForWrite(budget: RequestBudget): Promise<Reservation | undefined> {
  return (await budget.reserve("write")) ?? (await budget.reserve("refresh"));
}

/** Acquires a request for a write, also from the share of refreshes: an agent waits for the write. */
async function acquireForWrite(budget: RequestBudget): Promise<boolean> {
  return (await budget.acquire("write")) || (await budget.acquire("refresh"));
}
