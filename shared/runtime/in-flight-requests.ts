import { DEFAULT_TIMEOUT_MS, MAX_IN_FLIGHT, type ParsedEvent } from "../protocol/envelope.ts";
import { BridgeRejectionError, invalidRequestError } from "../protocol/rejection.ts";
import { parseTraceparent } from "../protocol/traceparent.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import { createTimerQueue } from "./timer-queue.ts";

/** Context of the request that a handler serves, beside the payload. */
export interface HandlerContext {
  /** Aborts when the caller cancels the request and when the request times out. */
  readonly signal: AbortSignal;
  /** Deadline of the request. */
  readonly deadline: Deadline;
  /** W3C trace context of the request. */
  readonly traceparent?: string | undefined;
  /** Aborts another in-flight request by its `meta.id`; returns false if there is none. */
  cancel(id: string): boolean;
}

/** Contract field that decides the limit. */
export interface RunOptions {
  /** True if the request is accepted beyond `MAX_IN_FLIGHT`. @default false */
  readonly bypassesLimit?: boolean | undefined;
}

/** Set of the requests that handlers are serving. */
export interface InFlightRequests {
  /**
   * Runs a handler within the request's timeout. A result after the timeout is dropped.
   *
   * @throws {BridgeRejectionError} `OVERLOADED`, `INVALID_REQUEST` for an id that is in flight, `ABORTED`, `BACKEND_TIMEOUT`.
   * @throws Errors of the handler.
   */
  run(request: ParsedEvent, work: (context: HandlerContext) => unknown, options?: RunOptions): Promise<unknown>;
  /** Aborts every request, because the page has disconnected. */
  abortAll(): void;
}

/** Creates an empty set of in-flight requests. */
export function createInFlightRequests(): InFlightRequests {
  const inFlight = new Map<string | symbol, (reason: BridgeRejectionError) => void>();
  const clock = createTimerQueue();

  function cancel(id: string): boolean {
    const abort = inFlight.get(id);
    abort?.(new BridgeRejectionError("ABORTED", `${id} was cancelled by the caller`));
    return abort !== undefined;
  }

  /** Returns the key of a new request in the set. @throws {BridgeRejectionError} if the request may not join the set. */
  function reserveId({ type, meta }: ParsedEvent, { bypassesLimit }: RunOptions): string | symbol {
    if (inFlight.size >= MAX_IN_FLIGHT && !bypassesLimit) {
      throw new BridgeRejectionError("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight already`);
    }
    const id = meta?.id;
    if (id === undefined) return Symbol(type);
    if (inFlight.has(id)) throw invalidRequestError("meta.id", "an id not in flight");
    return id;
  }

  async function run(
    request: ParsedEvent,
    work: (context: HandlerContext) => unknown,
    options: RunOptions = {},
  ): Promise<unknown> {
    const { type, meta } = request;
    const key = reserveId(request, options);
    const timeoutMs = meta?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    let controller: AbortController | undefined;
    let cancelTimer = (): void => {};
    try {
      return await new Promise((resolve, reject) => {
        const abort = (reason: BridgeRejectionError): void => {
          reject(reason);
          controller?.abort(reason);
        };
        inFlight.set(key, abort);
        cancelTimer = clock.schedule(timeoutMs, () => abort(backendTimeout(type, timeoutMs)));
        const context = {
          // Created on the first read, because an AbortController is expensive and few handlers use the signal.
          get signal() {
            controller ??= new AbortController();
            return controller.signal;
          },
          deadline: createDeadline(timeoutMs),
          traceparent: parseTraceparent(meta?.traceparent),
          cancel,
        };
        Promise.resolve(work(context)).then(resolve, reject);
      });
    } finally {
      cancelTimer();
      inFlight.delete(key);
    }
  }

  function abortAll(): void {
    for (const abort of inFlight.values())
      abort(new BridgeRejectionError("CONNECTION_CLOSED", "The page has disconnected"));
  }

  return { run, abortAll };
}

function backendTimeout(type: string, timeoutMs: number): BridgeRejectionError {
  return new BridgeRejectionError("BACKEND_TIMEOUT", `${type} had no answer from the backend within ${timeoutMs} ms`);
}
