import * as v from "valibot";
import type { ContractOf, FulfilledPayload, ParsedPayload, RequestType } from "./contract.ts";
import { type Deadline, deadlineIn } from "./deadline.ts";
import {
  type Asked,
  type CheckedEvent,
  DEFAULT_TIMEOUT_MS,
  fulfilled,
  MAX_IN_FLIGHT,
  peek,
  type Rejected,
  readEvent,
  refused,
  type Settlement,
} from "./envelope.ts";
import { toIssues } from "./issues.ts";
import { BackendRefusal, describeIssue, invalidRequest, Refusal } from "./rejection.ts";

/** What a handler knows of the request at hand, beside its payload. */
export interface RequestScope {
  /** Aborts when the caller cancels and when the request's life ends. */
  readonly signal: AbortSignal;
  /** The end of the request's life. */
  readonly deadline: Deadline;
  /** Aborts another request in flight by its `meta.id`; false where there is none. */
  cancel(id: string): boolean;
}

/** One handler for each request of the contract: it returns the fulfilled payload, or throws. */
export type Handlers<Contract extends ContractOf<Contract>, Services> = {
  readonly [Type in RequestType<Contract>]: (
    payload: ParsedPayload<Contract, Type>,
    context: Services & RequestScope,
  ) => FulfilledPayload<Contract, Type> | Promise<FulfilledPayload<Contract, Type>>;
};

export interface DispatcherOptions<Contract extends ContractOf<Contract>, Services> {
  readonly contract: Contract;
  readonly handlers: Handlers<Contract, Services>;
  /** What every handler gets beside the request's own scope. */
  readonly services: Services;
  /** Hears what a handler threw that is no refusal: a defect, whose text the asker does not get to see. */
  readonly onDefect: (error: unknown) => void;
}

/** Answers any value whatever with exactly one settlement. Never throws. */
export type Dispatcher = (event: unknown) => Promise<Settlement>;

/**
 * Turns a contract and its handlers into the one function that answers events: check the envelope, find the entry,
 * check the payload, run the handler within the request's life, settle.
 */
export function createDispatcher<Contract extends ContractOf<Contract>, Services>(
  options: DispatcherOptions<Contract, Services>,
): Dispatcher {
  const { contract, services, onDefect } = options;
  const handlers: Readonly<Record<string, Handler<Services>>> = options.handlers;
  const inFlight = new Map<string | symbol, AbortController>();

  function cancel(id: string): boolean {
    const controller = inFlight.get(id);
    controller?.abort(new Refusal("ABORTED", `${id} was cancelled by the caller`));
    return controller !== undefined;
  }

  async function settle(request: CheckedEvent): Promise<unknown> {
    const { type, meta } = request;
    const entry = Object.hasOwn(contract, type) ? contract[type as keyof Contract] : undefined;
    const handle = Object.hasOwn(handlers, type) ? handlers[type] : undefined;
    if (!entry || !handle) throw new Refusal("UNKNOWN_EVENT", `${type} is no event that this widget knows`);
    const payload = parsePayload(entry.payload, request.payload);
    const key = admit(request);
    const timeoutMs = meta?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(backendTimeout(type, timeoutMs)), timeoutMs);
    inFlight.set(key, controller);
    try {
      const scope: RequestScope = { signal: controller.signal, deadline: deadlineIn(timeoutMs), cancel };
      return await Promise.race([handle(payload, { ...services, ...scope }), whenAborted(controller.signal)]);
    } finally {
      clearTimeout(timer);
      inFlight.delete(key);
    }
  }

  /** The key under which a request may be in flight. A cancellation always may: it is what makes room. */
  function admit({ type, meta }: CheckedEvent): string | symbol {
    if (inFlight.size >= MAX_IN_FLIGHT && type !== "BUS.CANCEL") {
      throw new Refusal("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight already`);
    }
    const id = meta?.id;
    if (id === undefined) return Symbol(type);
    if (inFlight.has(id)) throw invalidRequest("meta.id", "an id that is not in flight");
    return id;
  }

  return async function dispatch(event: unknown): Promise<Settlement> {
    const asked: Asked = peek(event);
    try {
      return fulfilled(asked, await settle(readEvent(event)));
    } catch (error) {
      if (error instanceof BackendRefusal) return refusedByBackend(asked, error);
      if (!(error instanceof Refusal)) onDefect(error);
      return refused(asked, error);
    }
  };
}

/** A handler once its entry has been looked up by name: what ties the two types together is `Handlers`. */
type Handler<Services> = (payload: unknown, context: Services & RequestScope) => unknown;

/** The backend's body becomes the error as it is. */
function refusedByBackend({ type, id }: Asked, { body, status }: BackendRefusal): Rejected {
  return {
    type: `${type}_REJECTED`,
    payload: { error: body },
    meta: { ...(id && { id }), source: "backend", status },
  };
}

function parsePayload(schema: v.GenericSchema, payload: unknown): unknown {
  const result = v.safeParse(schema, payload);
  if (result.success) return result.output;
  const issues = toIssues(result.issues, "payload");
  throw new Refusal("INVALID_REQUEST", issues.map(describeIssue).join("; "), issues);
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function backendTimeout(type: string, timeoutMs: number): Refusal {
  return new Refusal("BACKEND_TIMEOUT", `${type} had no answer from the backend within ${timeoutMs} ms`);
}
