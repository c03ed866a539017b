import type { Clock } from "../clock.ts";
import type { Delay } from "../delay.ts";
import { StoreUnavailableError } from "../store/availability-store.ts";
import type { ListSummary, LiveGateways, PollPart, SharedPolls } from "../store/live-gateways.ts";
import { chooseGateway } from "./rendezvous.ts";
import type { UpstreamLog } from "./upstream.ts";

/** Divides the polls of the customers' upstreams among the live gateways. */
export interface PollAssignments {
  /** Adds a customer of the gateway. */
  add(customer: PolledCustomer): PollAssignment;
  /** Starts to announce the gateway to the store. */
  start(): void;
  /** Leaves the live gateways, so that the remaining gateways take over. */
  stop(): Promise<void>;
}

/** Customer whose upstream the gateway can poll. */
export interface PolledCustomer {
  readonly customerId: string;
  /** Called every few seconds with the state of the list at a time of the monotonic clock; `undefined` while on time. */
  readonly onList: (list: ListSummary | undefined, atMs: number) => void;
  /** Called every few seconds while the store cannot be reached. */
  readonly onStoreLost: () => void;
}

/** Assignment of a customer's poll. */
export interface PollAssignment {
  /** True while the gateway is to poll. */
  isAssigned(): boolean;
  /** Resolves once the gateway is to poll. Rejects with the signal's reason when the signal aborts. */
  whenAssigned(signal: AbortSignal): Promise<void>;
  /** Time to wait before the first poll, in milliseconds, so that not all polls of the gateway start at once. */
  startDelayMs(): number;
  /** Adopts the number of times that failures have moved the poll to the next gateway. */
  adoptMoves(moves: number): void;
  /** Removes the customer from the gateway. */
  remove(): void;
}

export interface PollAssignmentsOptions {
  readonly gateways: LiveGateways;
  readonly clock: Clock;
  readonly wait: Delay;
  /** Random number from 0 to 1. */
  readonly random: () => number;
  readonly log: Pick<UpstreamLog, "defect">;
}

/** Interval of announcements, in milliseconds. */
const ANNOUNCE_MS = 2_000;

/** Time for which a gateway counts as live after an announcement, in milliseconds. */
const LIVE_MS = 7_000;

/** Time between the starts of two polls, in milliseconds. Each start opens a connection to an upstream. */
const START_MS = 5;

interface Adoption {
  readonly askedMs: number;
  /** True if the store still has every list of the last announcement. */
  readonly hasLists: boolean;
}

interface Entry {
  readonly customer: PolledCustomer;
  /** What the store knew at the last announcement that it answered. */
  part: PollPart | undefined;
  isAssigned: boolean;
  /** Failures have moved the poll so often to the next gateway. */
  moves: number;
  /** True if the next announcement asks for the list, because it was late or unknown at the last announcement. */
  isListAsked: boolean;
  readonly waiting: Set<() => void>;
}

export function createPollAssignments(options: PollAssignmentsOptions): PollAssignments {
  const { gateways, clock, wait, random, log } = options;
  const entries = new Map<string, Entry>();
  /** The same array until a customer is added or removed. */
  let customerIds: readonly string[] = [];
  let lastStartMs = -Infinity;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  function assign(entry: Entry): void {
    const { part, moves } = entry;
    if (!part) return;
    const { customerId } = entry.customer;
    entry.isAssigned = chooseGateway(customerId, part.gatewaysOf(customerId), moves) === part.ownId;
    if (!entry.isAssigned) return;
    for (const resolve of entry.waiting) resolve();
    entry.waiting.clear();
  }

  /** Adopts a customer's list. Without a list, it is on time, unless the gateway has asked or the store has lost lists. */
  function adoptList(entry: Entry, list: ListSummary | undefined, { askedMs, hasLists }: Adoption): void {
    const isOnTime = !list && !entry.isListAsked && hasLists;
    if (list || isOnTime) entry.customer.onList(list, askedMs);
    entry.isListAsked = list ? list.isLate : !isOnTime;
  }

  function adoptPart(entry: Entry, part: PollPart, askedMs: number): void {
    const list = part.listOf(entry.customer.customerId);
    adoptList(entry, list, { askedMs, hasLists: part.listsId === entry.part?.listsId });
    const moves = list?.moves ?? entry.moves;
    const isOther = part.membership !== entry.part?.membership || moves !== entry.moves;
    entry.part = part;
    entry.moves = moves;
    if (isOther) assign(entry);
  }

  function adopt(latest: SharedPolls, askedMs: number): void {
    for (const entry of entries.values()) {
      const part = latest.partOf(entry.customer.customerId);
      if (part) adoptPart(entry, part, askedMs);
      else entry.customer.onStoreLost();
    }
  }

  async function announce(): Promise<void> {
    if (entries.size === 0) return;
    const askedMs = clock.monotonicMs();
    const asked = [...entries.values()].filter(({ isListAsked }) => isListAsked);
    const listedCustomerIds = asked.map(({ customer }) => customer.customerId);
    try {
      adopt(await gateways.announce({ customerIds, listedCustomerIds, durationMs: LIVE_MS }), askedMs);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) log.defect(error);
      for (const { customer } of entries.values()) customer.onStoreLost();
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await announce();
      // An aborted wait ends the loop.
      await wait(ANNOUNCE_MS * (0.9 + 0.2 * random()), signal).catch(() => {});
    }
  }

  return {
    add(customer) {
      const entry: Entry = {
        customer,
        part: undefined,
        isAssigned: false,
        moves: 0,
        isListAsked: true,
        waiting: new Set(),
      };
      entries.set(customer.customerId, entry);
      customerIds = [...entries.keys()];
      return {
        isAssigned: () => entry.isAssigned,
        whenAssigned: (signal) => waitUntilAssigned(entry, signal),
        startDelayMs() {
          const nowMs = clock.monotonicMs();
          lastStartMs = Math.max(lastStartMs + START_MS, nowMs);
          return lastStartMs - nowMs;
        },
        adoptMoves(moves) {
          entry.moves = moves;
          assign(entry);
        },
        remove() {
          entry.isAssigned = false;
          if (entries.get(customer.customerId) === entry) entries.delete(customer.customerId);
          customerIds = [...entries.keys()];
        },
      };
    },
    start() {
      running ??= run(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await running;
      await gateways.withdraw().catch((error: unknown) => {
        // The others notice soon that the gateway no longer announces itself.
        if (!(error instanceof StoreUnavailableError)) throw error;
      });
    },
  };
}

function waitUntilAssigned(entry: Entry, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener("abort", abort);
      resolve();
    };
    const abort = (): void => {
      entry.waiting.delete(settle);
      reject(signal.reason);
    };
    if (signal.aborted) return abort();
    if (entry.isAssigned) return resolve();
    entry.waiting.add(settle);
    signal.addEventListener("abort", abort, { once: true });
  });
}
