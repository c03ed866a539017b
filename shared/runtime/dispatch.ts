import * as v from "valibot";
import type { ContractOf, FulfilledPayloadOf, ParsedPayloadOf, RequestTypeOf } from "../contracts/contract.ts";
import {
  type ParsedEvent,
  parseEvent,
  type Rejected,
  type RequestRef,
  readRequestRef,
  type Settlement,
  toFulfilled,
  toRejected,
} from "../protocol/envelope.ts";
import { toIssues } from "../protocol/issues.ts";
import { BackendResponseError, BridgeRejectionError, describeIssue } from "../protocol/rejection.ts";
import { createInFlightRequests, type HandlerContext } from "./in-flight-requests.ts";

/** One handler for each request of the contract. A handler returns the fulfilled payload or throws. */
export type Handlers<Contract extends ContractOf<Contract>, Services> = {
  readonly [Type in RequestTypeOf<Contract>]: (
    payload: ParsedPayloadOf<Contract, Type>,
    services: Services,
    context: HandlerContext,
  ) => FulfilledPayloadOf<Contract, Type> | Promise<FulfilledPayloadOf<Contract, Type>>;
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
  const inFlight = createInFlightRequests();

  function settle(request: ParsedEvent): Promise<unknown> {
    const { type } = request;
    const entry = Object.hasOwn(contract, type) ? contract[type as keyof Contract] : undefined;
    const handle = Object.hasOwn(handlers, type) ? handlers[type] : undefined;
    if (!entry || !handle)
      throw new BridgeRejectionError("UNKNOWN_EVENT", `${type} is no event that this widget knows`);
    const payload = parsePayload(entry.payload, request.payload);
    return inFlight.run(request, (context) => handle(payload, services, context), entry);
  }

  async function dispatch(event: unknown): Promise<Settlement> {
    try {
      const request = parseEvent(event);
      return toFulfilled({ type: request.type, id: request.meta?.id }, await settle(request));
    } catch (error) {
      const requestRef = readRequestRef(event);
      if (error instanceof BackendResponseError) return toBackendRejected(requestRef, error);
      if (!(error instanceof BridgeRejectionError)) onDefect(error);
      return toRejected(requestRef, error);
    }
  }

  return { dispatch, abortAll: inFlight.abortAll };
}

/** A handler after the lookup by name. `Handlers` ties the handler's types to the entry's. */
type Handler<Services> = (payload: unknown, services: Services, context: HandlerContext) => unknown;

/** Creates the rejection of a request by the backend: the backend's body becomes the error unchanged. */
function toBackendRejected({ type, id }: RequestRef, { body, status }: BackendResponseError): Rejected {
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
  throw new BridgeRejectionError("INVALID_REQUEST", issues.map(describeIssue).join("; "), issues);
}
