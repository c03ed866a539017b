/** Types of the requests and reports between the chaos in Node and its page. */

/** The two connectors of the page: the left shows its frame in a container, the right is invisible. */
export const SLOTS = ["left", "right"] as const;
export type Slot = (typeof SLOTS)[number];

/** Kinds of requests: one valid kind, and three kinds with different errors. */
export const REQUEST_KINDS = ["known", "unknown", "invalid", "unsendable"] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** A request to send. */
export interface Ask {
  readonly kind: RequestKind;
  /**
   * True: sent by `dispatch` with its own id, for the agent of all named requests. False: sent by `request`, for its
   * own agent.
   */
  readonly isNamed: boolean;
  readonly lifeMs: number;
  /** Time of the caller's abort; 0 is before sending. Absent without an abort. */
  readonly abortAfterMs?: number | undefined;
}

/** The fate of a request. */
export interface RequestReport {
  readonly key: string;
  readonly slot: Slot;
  readonly ask: Ask;
  /** Milliseconds since 1970. */
  readonly askedAt: number;
  readonly settledAt: number | undefined;
  /** From sending to settlement, on the monotonic clock. */
  readonly durationMs: number;
  /** Outcomes of the promise, of the listeners, and of the observers: `FULFILLED`, a code, or `STATUS 503`. */
  readonly resolved: readonly string[];
  readonly heard: readonly string[];
  readonly observed: readonly string[];
  /** True if a watchdog, set when the request was sent to its deadline plus an allowance, ran before the settlement. */
  readonly isOverdue: boolean;
  /** True if the connector had a widget at the settlement. */
  readonly wasReady: boolean;
  /** Number of times the connector lost its widget while the request was in flight. */
  readonly losses: number;
}

/** Objects that connectors have left in the page. */
export interface Leftovers {
  readonly timers: number;
  readonly observers: number;
  /** Kind of the target and name of the event of each listener. */
  readonly listeners: readonly string[];
  readonly frames: number;
}

/** Extra time on a slow machine, beyond the deadline and the 250 ms of the guarantee. */
export const ALLOWANCE_MS = 2_000;
/** The guarantee's own limit for a settlement after the deadline. */
export const GRACE_MS = 250;

/** Time for which a request, or a connection, waits for a widget. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
