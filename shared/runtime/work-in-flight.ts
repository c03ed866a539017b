import { type CheckedEvent, DEFAULT_TIMEOUT_MS, MAX_IN_FLIGHT } from "../protocol/envelope.ts";
import { invalidRequest, Refusal } from "../protocol/rejection.ts";
import { readTraceparent } from "../protocol/traceparent.ts";
import { createAlarmClock } from "./alarm-clock.ts";
import { type Deadline, deadlineIn } from "./deadline.ts";

/** Context of the request that a handler serves, beside the payload. */
export interface RequestScope {
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
export interface WorkInFlight {
  /**
   * Runs a handler within the request's timeout. A result after the timeout is dropped.
   *
   * @throws {Refusal} `OVERLOADED`, `INVALID_REQUEST` for an id that is in flight, `ABORTED`, `BACKEND_TIMEOUT`.
   * @throws Errors of the handler.
   */
  run(request: CheckedEvent, work: (scope: RequestScope) => unknown, options?: RunOptions): Promise<unknown>;
  /** Aborts every request, because the page has disconnected. */
  abortAll(): void;
}

/** Creates an empty set of in-flight requests. */
export function createWorkInFlight(): WorkInFlight {
  const running = new Map<string | symbol, (reason: Refusal) => void>();
  const clock = createAlarmClock();

  function cancel(id: string): boolean {
    const abort = running.get(id);
    abort?.(new Refusal("ABORTED", `${id} was cancelled by the caller`));
    return abort !== undefined;
  }

  /** Returns the key of a new request in the set. @throws {Refusal} if the request may not join the set. */
  function admit({ type, meta }: CheckedEvent, { bypassesLimit }: RunOptions): string | symbol {
    if (running.size >= MAX_IN_FLIGHT && !bypassesLimit) {
      throw new Refusal("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight already`);
    }
    const id = meta?.id;
    if (id === undefined) return Symbol(type);
    if (running.has(id)) throw invalidRequest("meta.id", "an id not in flight");
    return id;
  }

  async function run(
    request: CheckedEvent,
    work: (scope: RequestScope) => unknown,
    options: RunOptions = {},
  ): Promise<unknown> {
    const { type, meta } = request;
    const key = admit(request, options);
    const timeoutMs = meta?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    let controller: AbortController | undefined;
    let cancelAlarm = (): void => {};
    try {
      return await new Promise((resolve, reject) => {
        const abort = (reason: Refusal): void => {
          reject(reason);
          controller?.abort(reason);
        };
        running.set(key, abort);
        cancelAlarm = clock.ringIn(timeoutMs, () => abort(backendTimeout(type, timeoutMs)));
        const scope = {
          // Created on the first read, because an AbortController is expensive and few handlers use the signal.
          get signal() {
            controller ??= new AbortController();
            return controller.signal;
          },
          deadline: deadlineIn(timeoutMs),
          traceparent: readTraceparent(meta?.traceparent),
          cancel,
        };
        Promise.resolve(work(scope)).then(resolve, reject);
      });
    } finally {
      cancelAlarm();
      running.delete(key);
    }
  }

  function abortAll(): void {
    for (const abort of running.values()) abort(new Refusal("CONNECTION_CLOSED", "The page has disconnected"));
  }

  return { run, abortAll };
}

function backendTimeout(type: string, timeoutMs: number): Refusal {
  return new Refusal("BACKEND_TIMEOUT", `${type} had no answer from the backend within ${timeoutMs} ms`);
}
