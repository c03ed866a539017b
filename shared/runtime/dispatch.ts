import * as v from "valibot";
import type { ContractOf, FulfilledPayload, ParsedPayload, RequestType } from "../contracts/contract.ts";
import {
  type Asked,
  type CheckedEvent,
  fulfilled,
  peek,
  type Rejected,
  readEvent,
  refused,
  type Settlement,
} from "../protocol/envelope.ts";
import { toIssues } from "../protocol/issues.ts";
import { BackendRefusal, describeIssue, Refusal } from "../protocol/rejection.ts";
import { createWorkInFlight, type RequestScope } from "./work-in-flight.ts";

/** One handler for each request of the contract. A handler returns the fulfilled payload or throws. */
export type Handlers<Contract extends ContractOf<Contract>, Services> = {
  readonly [Type in RequestType<Contract>]: (
    payload: ParsedPayload<Contract, Type>,
    services: Services,
    scope: RequestScope,
  ) => FulfilledPayload<Contract, Type> | Promise<FulfilledPayload<Contract, Type>>;
};

export interface DispatcherOptions<Contract extends ContractOf<Contract>, Services> {
  readonly contract: Contract;
  readonly handlers: Handlers<Contract, Services>;
  /** Services that every handler receives beside the request's own scope. */
  readonly services: Services;
  /** Called with an error of a handler that is not a rejection: a defect. The caller does not get the error's text. */
  readonly onDefect: (error: unknown) => void;
}

/** Settles events. */
export interface Dispatcher {
  /** Settles any value, even one that is not an event, with exactly one settlement. Never rejects. */
  dispatch(event: unknown): Promise<Settlement>;
  /** Aborts every in-flight request, for example because the page has disconnected. */
  abortAll(): void;
}

/**
 * Creates a dispatcher from a contract and its handlers. For each event: check the envelope, find the entry,
 * check the payload, run the handler within the request's timeout, settle.
 */
export function createDispatcher<Contract extends ContractOf<Contract>, Services>(
  options: DispatcherOptions<Contract, Services>,
): Dispatcher {
  const { contract, services, onDefect } = options;
  const handlers: Readonly<Record<string, Handler<Services>>> = options.handlers;
  const inFlight = createWorkInFlight();

  function settle(request: CheckedEvent): Promise<unknown> {
    const { type } = request;
    const entry = Object.hasOwn(contract, type) ? contract[type as keyof Contract] : undefined;
    const handle = Object.hasOwn(handlers, type) ? handlers[type] : undefined;
    if (!entry || !handle) throw new Refusal("UNKNOWN_EVENT", `${type} is no event that this widget knows`);
    const payload = parsePayload(entry.payload, request.payload);
    return inFlight.run(request, (scope) => handle(payload, services, scope), entry);
  }

  async function dispatch(event: unknown): Promise<Settlement> {
    try {
      const request = readEvent(event);
      return fulfilled({ type: request.type, id: request.meta?.id }, await settle(request));
    } catch (error) {
      const asked = peek(event);
      if (error instanceof BackendRefusal) return refusedByBackend(asked, error);
      if (!(error instanceof Refusal)) onDefect(error);
      return refused(asked, error);
    }
  }

  return { dispatch, abortAll: inFlight.abortAll };
}

/** A handler after the lookup by name. `Handlers` ties the handler's types to the entry's. */
type Handler<Services> = (payload: unknown, services: Services, scope: RequestScope) => unknown;

/** Creates the rejection of a request by the backend: the backend's body becomes the error unchanged. */
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
