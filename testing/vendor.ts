/** A vendor's backend in memory: agents, accepted tokens, and the planned faults of a test. */

import type { RequestType } from "../host/event-types.ts";
import { createListeners, type Unsubscribe } from "../host/listeners.ts";
import type { Availability, ChangedAvailability } from "../shared/contracts/availability.ts";
import { contract } from "../shared/contracts/index.ts";
import { toSetStatus } from "../shared/contracts/settable-statuses.ts";
import { REJECTION_CODES } from "../shared/protocol/rejection.ts";
import { subtractElapsed } from "../widget/gateway/elapsed-time.ts";
import type { WritableStatus } from "../widget/gateway/gateway-client.ts";
import type { GivenAvailability } from "./given-availability.ts";
import { parseAvailability } from "./parse-availability.ts";
import type { PlannedError, RecordedRequest, VendorControls, VendorOptions } from "./vendor-controls.ts";

/** Plan for one request: delay of the backend's answer in milliseconds, and the error of a rejection. */
export interface RequestPlan {
  readonly delayMs: number;
  readonly error?: PlannedError;
}

/** A call of the backend with the page's token. */
export type VendorCall = { readonly token: string | undefined } & (
  | { readonly kind: "read" /** `undefined` for all agents. */; readonly userIds: readonly number[] | undefined }
  | { readonly kind: "update"; readonly status: WritableStatus }
);

/** Answer of the backend. */
export interface VendorAnswer {
  readonly status: number;
  /** Of a read, a list of availabilities; of an update, an availability; of an error, a problem document. */
  readonly body: unknown;
}

/** A change of the backend's stream. `closed`: the backend has ended the stream, and the widget opens another stream. */
export type VendorChange =
  | { readonly type: "availability"; readonly availability: ChangedAvailability }
  | { readonly type: "removal"; readonly userId: number; readonly version: number }
  | { readonly type: "closed" };

/** The backend as the widget sees the backend. Each value is JSON, for a widget in a process of its own. */
export interface Vendor {
  record(request: RecordedRequest): void;
  plan(type: string): Promise<RequestPlan>;
  call(call: VendorCall): Promise<VendorAnswer>;
  subscribe(listener: (change: VendorChange) => void): Unsubscribe;
}

interface Agent {
  readonly availability: Availability;
  /** Time at which the availability had its wrap-up time, on the monotonic clock. */
  readonly validAt: number;
  /** Time of the last change, in milliseconds since 1970. */
  readonly updatedAt: number;
}

interface Plan {
  readonly type: RequestType | undefined;
  readonly delayMs?: number;
  readonly error?: PlannedError;
  timesLeft: number;
}

/** Requests without news about the page. */
const UNRECORDED: readonly string[] = ["BUS.REGISTER", "BUS.PING"] satisfies RequestType[];

/** Creates a backend. @throws {TypeError} as `setAvailability` does. */
export function createVendor({ availabilities = {}, userId: ownUserId }: VendorOptions): Vendor & VendorControls {
  const agents = new Map<number, Agent>();
  const requests: RecordedRequest[] = [];
  const plans = new Set<Plan>();
  const changes = createListeners<[VendorChange]>();
  const usedTokens = new Set<string | undefined>();
  const refusedTokens = new Set<string | undefined>();
  let version = 0;

  function store(userId: number, given: GivenAvailability, name: string): Agent {
    const availability = parseAvailability(userId, given, version + 1, name);
    version += 1;
    const agent = { availability, validAt: performance.now(), updatedAt: Date.now() };
    agents.set(userId, agent);
    return agent;
  }

  function readNow({ availability, validAt }: Agent): Availability {
    return subtractElapsed(availability, performance.now() - validAt);
  }

  function setAvailability(userId: number, given: GivenAvailability): void {
    // As in the gateway, an equal status is no change, and has no version of its own.
    if (typeof given === "string" && given === agents.get(userId)?.availability.status) return;
    const agent = store(userId, given, "setAvailability");
    changes.emit({ type: "availability", availability: toChanged(agent) });
  }

  function toChanged(agent: Agent): ChangedAvailability {
    return { ...readNow(agent), updatedAt: agent.updatedAt };
  }

  function answer(call: VendorCall): VendorAnswer {
    const { token } = call;
    usedTokens.add(token);
    if (refusedTokens.has(token)) return problem(401, "Unauthorized", "This call needs a valid token");
    if (call.kind === "update") return update(call.status);
    const userIds = call.userIds ?? [...agents.keys()];
    const found = userIds.flatMap((userId) => agents.get(userId) ?? []);
    return { status: 200, body: found.map(toChanged) };
  }

  function update(status: WritableStatus): VendorAnswer {
    const agent = ownUserId !== undefined && agents.get(ownUserId);
    if (!agent) return problem(403, "Forbidden", "An agent's token sets that agent's availability alone");
    const { userId, wrapUpTimeConfig, wrapUpTimeTtl } = readNow(agent);
    const hasWrapUp = wrapUpTimeConfig !== undefined && wrapUpTimeTtl !== undefined;
    const changed = toSetStatus(status);
    setAvailability(userId, hasWrapUp ? { status: changed, wrapUpTimeConfig, wrapUpTimeTtl } : changed);
    return { status: 200, body: agents.get(userId)?.availability };
  }

  function addPlan(plan: Plan): Unsubscribe {
    if (plan.type !== undefined && !Object.hasOwn(contract, plan.type)) {
      throw new TypeError(`type: expected one of ${Object.keys(contract).join(", ")}, not ${plan.type}`);
    }
    plans.add(plan);
    return () => plans.delete(plan);
  }

  function applies({ type }: Plan, requested: string): boolean {
    if (type !== undefined) return type === requested;
    const entry = Object.entries(contract).find(([name]) => name === requested)?.[1];
    return entry?.carries === "availability";
  }

  for (const [id, given] of Object.entries(availabilities)) store(Number(id), given, `availabilities.${id}`);
  if (ownUserId !== undefined && !agents.has(ownUserId)) {
    throw new TypeError(
      `userId: expected one of ${[...agents.keys()].join(", ") || "availabilities"}, not ${ownUserId}`,
    );
  }

  return {
    requests,
    record(request) {
      if (!UNRECORDED.includes(request.type)) requests.push(request);
    },
    async plan(type) {
      const found = [...plans].filter((plan) => applies(plan, type));
      const rejection = found.find((plan) => plan.error !== undefined && plan.timesLeft > 0);
      if (rejection) rejection.timesLeft -= 1;
      const delayMs = Math.max(0, ...found.map((plan) => plan.delayMs ?? 0));
      return { delayMs, ...(rejection?.error !== undefined && { error: rejection.error }) };
    },
    call: async (call) => answer(call),
    subscribe: changes.add,
    setAvailability,
    removeUser(userId) {
      if (!agents.delete(userId)) return;
      version += 1;
      changes.emit({ type: "removal", userId, version });
    },
    reject(type, error, times = Infinity) {
      checkPlannedError(error);
      return addPlan({ type, error, timesLeft: times });
    },
    delay(milliseconds, type) {
      if (!(milliseconds >= 0)) throw new TypeError(`milliseconds: expected a number from 0, not ${milliseconds}`);
      return addPlan({ type, delayMs: milliseconds, timesLeft: Infinity });
    },
    expireSession() {
      for (const token of usedTokens) refusedTokens.add(token);
      changes.emit({ type: "closed" });
    },
  };
}

/**
 * Checks the error of a planned rejection. Without a type checker, another error would reach the page as one that no backend sends.
 *
 * @throws {TypeError} when it is neither a code nor a status of an error.
 */
function checkPlannedError(error: unknown): void {
  const isPlanned =
    typeof error === "string"
      ? Object.hasOwn(REJECTION_CODES, error)
      : typeof error === "object" && error !== null && "status" in error && isErrorStatus(error.status);
  if (isPlanned) return;
  const codes = Object.keys(REJECTION_CODES).join(", ");
  const given = typeof error === "string" ? error : JSON.stringify(error);
  throw new TypeError(`error: expected { status } of 400 to 599, or one of ${codes}, not ${given}`);
}

function isErrorStatus(status: unknown): boolean {
  return typeof status === "number" && Number.isInteger(status) && status >= 400 && status < 600;
}

/** Creates an answer with a problem document, as the gateway writes it. @see RFC 9457 */
export function problem(status: number, title: string, detail: string): VendorAnswer {
  return { status, body: { type: "about:blank", title, status, detail } };
}
