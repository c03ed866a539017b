import type { RequestBudget } from "../request-budget.ts";
import { UpstreamError } from "../upstream.ts";
import type { AircallClient } from "./client.ts";

/** Duration of the vendor's block after a 429, in seconds. */
const BLOCKED_SECONDS = 60;

/** Longest accepted block, in seconds: a wrong `Retry-After` must not stop the service. */
const MAX_BLOCK_SECONDS = 3_600;

/** Wraps a client. A 429 blocks all requests for a minute, or longer if the response says so. */
export function createRateLimitedClient(client: AircallClient, budget: RequestBudget): AircallClient {
  async function blockAfter429<Value>(response: Promise<Value>): Promise<Value> {
    try {
      return await response;
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.status !== 429) throw error;
      const requestedSeconds = Math.min(error.retryAfterSeconds ?? 0, MAX_BLOCK_SECONDS);
      const retryAfterSeconds = Math.max(BLOCKED_SECONDS, requestedSeconds);
      budget.block(retryAfterSeconds * 1000);
      throw new UpstreamError(error.message, { status: 429, body: error.body, retryAfterSeconds }, { cause: error });
    }
  }
  return {
    list: (page, signal) => blockAfter429(client.list(page, signal)),
    read: (userId, signal) => blockAfter429(client.read(userId, signal)),
    set: (userId, setting, scope) => blockAfter429(client.set(userId, setting, scope)),
  };
}
