/** What the chaos asks of a page, and what the page reports of it. Node and the page agree on it. */

/** The two connectors of the page: one shows its frame in a container, the other's is invisible. */
export const SLOTS = ["left", "right"] as const;
export type Slot = (typeof SLOTS)[number];

/** How requests come to be asked: one that the contract knows, and three that are wrong in different places. */
export const REQUEST_KINDS = ["known", "unknown", "invalid", "unsendable"] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** A request to ask. */
export interface Ask {
  readonly kind: RequestKind;
  /** With an id of its own, by `dispatch`, for the agent whom everybody asks for; or without, by `request`, for its own agent. */
  readonly isNamed: boolean;
  readonly lifeMs: number;
  /** When its caller aborts; 0 is before it is asked. Absent where the caller waits. */
  readonly abortAfterMs?: number | undefined;
}

/** What became of a request. */
export interface RequestReport {
  readonly key: string;
  readonly slot: Slot;
  readonly ask: Ask;
  /** Milliseconds since 1970. */
  readonly askedAt: number;
  readonly settledAt: number | undefined;
  /** From its asking to its settlement, on a clock that nobody sets. */
  readonly durationMs: number;
  /** What its promise came to, what listeners heard, and what observers saw: `FULFILLED`, a code, or `STATUS 503`. */
  readonly resolved: readonly string[];
  readonly heard: readonly string[];
  readonly observed: readonly string[];
  /** Whether a watchdog, set at its asking for its deadline and an allowance, rang before it was settled. */
  readonly isOverdue: boolean;
  /** Whether its connector had a widget when it settled. */
  readonly wasReady: boolean;
  /** How often its connector lost the widget while it was in flight. */
  readonly losses: number;
}

/** What connectors have left in the page. */
export interface Leftovers {
  readonly timers: number;
  readonly observers: number;
  /** The target's kind and the event of each. */
  readonly listeners: readonly string[];
  readonly frames: number;
}

/** How much longer than its deadline and the 250 ms of the guarantee a request may take on a machine that is slow. */
export const ALLOWANCE_MS = 2_000;
/** The guarantee's own: how long after its deadline a request may settle. */
export const GRACE_MS = 250;

/** How long a request, or a connection, waits for a widget. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
