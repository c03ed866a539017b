import { type CheckedEvent, DEFAULT_TIMEOUT_MS, MAX_IN_FLIGHT } from "../protocol/envelope.ts";
import { invalidRequest, Refusal } from "../protocol/rejection.ts";
import { readTraceparent } from "../protocol/traceparent.ts";
import { createAlarmClock } from "./alarm-clock.ts";
import { type Deadline, deadlineIn } from "./deadline.ts";

/** What a handler knows of the request at hand, beside its payload. */
export interface RequestScope {
  /** Aborts when the caller cancels and when the request's life ends. */
  readonly signal: AbortSignal;
  /** The end of the request's life. */
  readonly deadline: Deadline;
  /** The W3C trace context that the request belongs to. */
  readonly traceparent?: string | undefined;
  /** Aborts another request in flight by its `meta.id`; false where there is none. */
  cancel(id: string): boolean;
}

/** The requests that handlers are working on. */
export interface WorkInFlight {
  /**
   * Works on a request within its life. What comes after its end is dropped.
   *
   * @throws {Refusal} `OVERLOADED`, `INVALID_REQUEST` for an id that is in flight, `ABORTED`, `BACKEND_TIMEOUT`.
   * @throws What the work throws.
   */
  run(request: CheckedEvent, work: (scope: RequestScope) => unknown): Promise<unknown>;
  /** Aborts all of it, since nobody waits for it any more. */
  abortAll(): void;
}

/** Creates an empty set of requests in flight. */
export function createWorkInFlight(): WorkInFlight {
  const running = new Map<string | symbol, (reason: Refusal) => void>();
  const clock = createAlarmClock();

  function cancel(id: string): boolean {
    const abort = running.get(id);
    abort?.(new Refusal("ABORTED", `${id} was cancelled by the caller`));
    return abort !== undefined;
  }

  /** The key under which a request may be in flight. A cancellation always may: it is what makes room. */
  function admit({ type, meta }: CheckedEvent): string | symbol {
    if (running.size >= MAX_IN_FLIGHT && type !== "BUS.CANCEL") {
      throw new Refusal("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight already`);
    }
    const id = meta?.id;
    if (id === undefined) return Symbol(type);
    if (running.has(id)) throw invalidRequest("meta.id", "an id not in flight");
    return id;
  }

  async function run(request: CheckedEvent, work: (scope: RequestScope) => unknown): Promise<unknown> {
    const { type, meta } = request;
    const key = admit(request);
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
          // Made for the handlers that ask for it, since a signal is no cheap thing.
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
    for (const abort of running.values()) abort(new Refusal("CONNECTION_CLOSED", "Who asked has gone"));
  }

  return { run, abortAll };
}

function backendTimeout(type: string, timeoutMs: number): Refusal {
  return new Refusal("BACKEND_TIMEOUT", `${type} had no answer from the backend within ${timeoutMs} ms`);
}
