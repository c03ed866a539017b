/** Requests of the page, checked against the first guarantee. */
import type { Connector } from "../../host/connector.ts";
import type { Settlement } from "../../shared/protocol/envelope.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { ModelGateway } from "./model-gateway.ts";
import type { RunHistory } from "./model-watches.ts";

/** Time from a request's timeout to its settlement, at the latest, in milliseconds. */
const SETTLED_WITHIN_MS = 250;

/** Codes of rejections without a fault. */
const EXPECTED_CODES: readonly unknown[] = ["ABORTED", "BACKEND_TIMEOUT", "WIDGET_UNAVAILABLE"];

interface ModelRequest {
  readonly userId: number;
  readonly deadline: number;
  /** Number of settlements received by listeners. */
  settlements: number;
}

export interface ModelRequestsOptions {
  readonly clock: FakeClock;
  readonly connector: Connector;
  readonly gateway: ModelGateway;
  readonly history: RunHistory;
  readonly violate: (message: string) => void;
}

/** Creates a page without requests. */
export function createModelRequests({ clock, connector, gateway, history, violate }: ModelRequestsOptions) {
  const requests = new Map<object, ModelRequest>();
  connector.on("*", (_event, event) => {
    const request = event && requests.get(event);
    if (request) request.settlements += 1;
  });

  function verifySettlement({ userId, deadline }: ModelRequest, { type, payload }: Settlement): void {
    if (clock.now() > deadline) violate(`user ${userId}: a request settled ${clock.now() - deadline} ms late`);
    const { version, status, error } = Object(payload);
    const isFulfilled = type.endsWith("_FULFILLED");
    if (isFulfilled && !gateway.hadVersion(userId, version, status))
      violate(`user ${userId}: a response has ${status} at ${version}, which never was`);
    const isExpected = history.hadFault || history.isDestroyed || error?.status === 404;
    if (!isFulfilled && !isExpected && !EXPECTED_CODES.includes(error?.code))
      violate(`user ${userId}: rejected without a fault, ${JSON.stringify(error)}`);
  }

  return {
    send(userId: number, timeoutMs: number, abortAfterMs: number | null): Promise<Settlement> {
      const controller = new AbortController();
      const event = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId } } } as const;
      const request = { userId, deadline: clock.now() + timeoutMs + SETTLED_WITHIN_MS, settlements: 0 };
      requests.set(event, request);
      if (abortAfterMs !== null) clock.setTimer(() => controller.abort(), abortAfterMs);
      return connector.dispatch(event, { timeoutMs, signal: controller.signal }).then((settlement) => {
        verifySettlement(request, settlement);
        return settlement;
      });
    },
    /** Checks for late and repeated settlements until just before `at`. */
    verify(at: number): void {
      for (const { userId, deadline, settlements } of requests.values()) {
        if (settlements > 1) violate(`user ${userId}: a request has ${settlements} settlements`);
        // A repeated request has its timeout in whole milliseconds.
        if (settlements === 0 && at > deadline + 1) violate(`user ${userId}: a request has no settlement`);
      }
    },
    /** Checks all requests for their settlement after `destroy()`. */
    verifySettled(): void {
      for (const { userId, settlements } of requests.values()) {
        if (settlements !== 1) violate(`user ${userId}: a request has ${settlements} settlements at destroy()`);
      }
    },
  };
}
