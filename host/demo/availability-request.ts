/** Requests an agent's availability and shows the settlement, one request at a time. */
import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import type { Connector } from "../connector.ts";
import type { Availability } from "../event-types.ts";
import type { AgentId } from "./agent-id.ts";
import { describeError, UNREADABLE_RESPONSE } from "./error-messages.ts";
import type { ResultView } from "./result-view.ts";

/** The page's request, at most one at a time. */
export interface AvailabilityRequest {
  /** Requests an agent's availability. Cancels the previous request if still pending. */
  send(agentId: AgentId): Promise<void>;
  /** Cancels the pending request, including the widget's call to the backend. */
  cancel(): void;
}

export interface AvailabilityRequestOptions {
  readonly connected: Promise<Connector>;
  readonly view: ResultView;
  /** Called with true when a request starts, and with false after the last has settled. */
  readonly onPendingChanged: (pending: boolean) => void;
}

/** Creates the request. A request sent before the widget's script has loaded waits for the script. */
export function createAvailabilityRequest({
  connected,
  view,
  onPendingChanged,
}: AvailabilityRequestOptions): AvailabilityRequest {
  let current: AbortController | undefined;

  async function send(agentId: AgentId): Promise<void> {
    current?.abort();
    const controller = new AbortController();
    current = controller;
    const startedAt = performance.now();
    const event = toEvent(agentId);
    view.showPending(agentId);
    onPendingChanged(true);
    const settlement = await settle(event, controller.signal);
    // A later request has replaced the current request.
    if (current !== controller) return;
    current = undefined;
    show(agentId, event, { settlement, durationMs: performance.now() - startedAt });
    onPendingChanged(false);
  }

  async function settle(event: Envelope, signal: AbortSignal): Promise<Settlement | undefined> {
    const connector = await Promise.race([connected, whenAborted(signal)]);
    return connector?.dispatch(event, { signal });
  }

  function show(agentId: AgentId, event: Envelope, { settlement, durationMs }: Outcome): void {
    const errorMessage = settlement && isRejected(settlement) ? describeError(event, settlement) : undefined;
    if (errorMessage) view.showError(agentId, errorMessage, durationMs);
    else if (settlement && !isRejected(settlement)) showResponse(agentId, settlement.payload, durationMs);
    else view.showCancelled(agentId, durationMs);
  }

  function showResponse(agentId: AgentId, payload: unknown, durationMs: number): void {
    if (isAvailability(payload)) view.showAvailability(agentId, payload, durationMs);
    else view.showError(agentId, UNREADABLE_RESPONSE, durationMs);
  }

  return { send, cancel: () => current?.abort() };
}

interface Outcome {
  /** Absent if the request was cancelled before the widget's script had loaded. */
  readonly settlement: Settlement | undefined;
  readonly durationMs: number;
}

/** Creates a plain envelope, not a typed request: the page must be able to send an id that the types forbid. */
function toEvent(userId: AgentId): Envelope {
  return { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId } } };
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** Narrows a fulfilled payload. The widget has validated the payload; the check rejects only values that would break the page. */
function isAvailability(payload: unknown): payload is Availability {
  const { status, version, wrapUpTimeConfig = 0, wrapUpTimeTtl = 0 } = Object(payload);
  return typeof status === "string" && [version, wrapUpTimeConfig, wrapUpTimeTtl].every(Number.isFinite);
}
