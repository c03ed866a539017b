/** Asks for an agent's availability and brings the outcome to the view, one request at a time. */
import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import type { Connector } from "../connector.ts";
import type { Availability } from "../event-types.ts";
import type { AgentId } from "./agent-id.ts";
import { describeError, UNREADABLE_RESPONSE } from "./error-messages.ts";
import type { ResultView } from "./result-view.ts";

/** The page's one open question. */
export interface AvailabilityRequest {
  /** Asks about an agent. Takes the question before it back where that one is still open. */
  send(agentId: AgentId): Promise<void>;
  /** Takes the open question back, down to the backend's work on it. */
  cancel(): void;
}

export interface AvailabilityRequestOptions {
  readonly connected: Promise<Connector>;
  readonly view: ResultView;
  /** Hears when a question is opened, and when none is open any more. */
  readonly onPendingChanged: (pending: boolean) => void;
}

/** Creates the enquiry. Questions asked before the widget's script has loaded wait for it. */
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
    // A later question has taken the place of this one.
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
  /** Absent where the question was taken back before the widget's script had loaded. */
  readonly settlement: Settlement | undefined;
  readonly durationMs: number;
}

/** A plain envelope and not a typed request: the page must be able to send an id that the types forbid. */
function toEvent(userId: AgentId): Envelope {
  return { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId } } };
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** Gives a fulfilled payload its type back. The widget has checked all of it already: this keeps out what would stop the page. */
function isAvailability(payload: unknown): payload is Availability {
  const { status, version, wrapUpTimeConfig = 0, wrapUpTimeTtl = 0 } = Object(payload);
  return typeof status === "string" && [version, wrapUpTimeConfig, wrapUpTimeTtl].every(Number.isFinite);
}
