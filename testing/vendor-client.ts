/** The widget's client of a vendor's backend in memory, in place of the client over HTTP. */
import * as v from "valibot";
import { Availability, ChangedAvailability } from "../shared/contracts/availability.ts";
import { BackendResponseError, BridgeRejectionError } from "../shared/protocol/rejection.ts";
import type { TimerQueue } from "../shared/runtime/timer-queue.ts";
import type { AvailabilityCache, CallStatistics, GatewayClient } from "../widget/gateway/gateway-client.ts";
import type { TokenSession } from "../widget/gateway/session.ts";
import type { OpenFeed } from "../widget/live/change-feed.ts";
import { problem, type Vendor, type VendorAnswer, type VendorCall } from "./vendor.ts";

/** Pause before the feed opens again, in milliseconds: the longest pause of the widget's stream. */
const RETRY_MS = 8_000;

/** Interval of the feed's signs of life, in milliseconds: the gateway's. */
const HEARTBEAT_MS = 15_000;

export interface VendorClient extends GatewayClient {
  /** Opens the feed of the backend's changes. */
  readonly openFeed: OpenFeed;
}

/** A call of the backend without its token. */
type Call = {
  readonly [Kind in VendorCall["kind"]]: Omit<Extract<VendorCall, { kind: Kind }>, "token">;
}[VendorCall["kind"]];

/** Creates a client that calls the backend with the page's token. */
export function createVendorClient(
  vendor: Vendor,
  session: TokenSession,
  schedule: TimerQueue["schedule"],
): VendorClient {
  const statistics: CallStatistics = { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 };
  let cache: AvailabilityCache | undefined;

  /** Calls the backend. @throws {BackendResponseError} with the backend's own body, if the status is an error. */
  function call(request: Call, signal: AbortSignal): Promise<unknown> {
    return session.withToken(signal, async (token) => {
      statistics.calls += 1;
      const answer = await vendor.call({ ...request, token });
      if (signal.aborted) throw signal.reason;
      if (answer.status >= 300) throw toError(answer);
      return answer.body;
    });
  }

  async function read(
    userIds: readonly number[] | undefined,
    signal: AbortSignal,
  ): Promise<readonly ChangedAvailability[]> {
    return v.parse(v.array(ChangedAvailability), await call({ kind: "read", userIds }, signal));
  }

  async function fetchUsers(
    userIds: readonly number[] | undefined,
    signal: AbortSignal,
  ): Promise<Map<number, Availability>> {
    const found = await read(userIds, signal);
    const availabilities = new Map<number, Availability>();
    for (const { updatedAt: _, ...availability } of found) {
      availabilities.set(availability.userId, cache?.merge(availability) ?? availability);
    }
    return availabilities;
  }

  return {
    statistics,
    useCache(next) {
      cache = next;
    },
    async fetchAvailability(userId, { signal }) {
      const availability = (await fetchUsers([userId], signal)).get(userId);
      if (!availability) throw toError(problem(404, "Not Found", `No user ${userId}`));
      return availability;
    },
    fetchAvailabilities: async (userIds, { signal }) => Object.fromEntries(await fetchUsers(userIds, signal)),
    fetchAllAvailabilities: async ({ signal }) => Object.fromEntries(await fetchUsers(undefined, signal)),
    async updateOwnAvailability(status, { signal }) {
      const changed = v.parse(Availability, await call({ kind: "update", status }, signal));
      return cache?.merge(changed) ?? changed;
    },
    // Called by the widget's panel and by the stream over HTTP alone.
    fetchResource: failWithoutBackend,
    openLive: failWithoutBackend,
    verifyToken: failWithoutBackend,
    provideToken: failWithoutBackend,
    openFeed({ onEvent, userIds: firstUserIds }) {
      let userIds = firstUserIds;
      let abort = new AbortController();
      let cancelHeartbeat = (): void => {};
      /** Changes during the read of a snapshot, to be reported after the snapshot. `undefined` without a read. */
      let queued: (() => void)[] | undefined;
      const unsubscribe = vendor.subscribe((change) => {
        if (change.type === "closed") return reopen();
        const report = (): void => onEvent(change.type === "removal" ? change : { ...change, ageMs: 0 });
        if (queued) queued.push(report);
        else report();
      });

      function beat(): void {
        onEvent({ type: "heartbeat", ageMs: 0 });
        cancelHeartbeat = schedule(HEARTBEAT_MS, beat);
      }

      /** Begins again with a snapshot. */
      function reopen(): void {
        abort.abort();
        abort = new AbortController();
        void sendSnapshot(abort.signal);
      }

      async function sendSnapshot(signal: AbortSignal): Promise<void> {
        cancelHeartbeat();
        queued = [];
        try {
          statistics.streams += 1;
          const found = await read(userIds && [...userIds], signal);
          if (signal.aborted) return;
          onEvent({ type: "reset" });
          for (const availability of found) onEvent({ type: "availability", availability, ageMs: 0 });
          onEvent({ type: "current" });
          for (const report of queued.splice(0)) report();
          queued = undefined;
          beat();
        } catch (error) {
          if (signal.aborted) return;
          if (error instanceof BackendResponseError) return onEvent({ type: "unauthorized" });
          // The page's `fetchToken` has failed, and may work again.
          onEvent({ type: "stale" });
          cancelHeartbeat = schedule(RETRY_MS, reopen);
        }
      }

      reopen();
      return {
        follow(next) {
          userIds = next;
          reopen();
        },
        checkConnection: reopen,
        retryNow: reopen,
        close() {
          unsubscribe();
          cancelHeartbeat();
          abort.abort();
        },
      };
    },
  };
}

function toError({ status, body }: VendorAnswer): BackendResponseError {
  return new BackendResponseError(status, body);
}

function failWithoutBackend(): Promise<never> {
  return Promise.reject(new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend in memory has no such resource"));
}
