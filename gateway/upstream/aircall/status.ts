import { AVAILABILITY_STATUSES } from "../../../shared/contracts/availability.ts";
import type { AgentState, Status, StoredAgent } from "../../store/agent.ts";

/** Contract statuses by the vendor's status. Two statuses of the vendor differ from the contract's. */
const STATUSES: ReadonlyMap<string, Status> = new Map<string, Status>([
  ...AVAILABILITY_STATUSES.map((status): [string, Status] => [status, status]),
  ["in_training", "in_traning"],
  ["after_call_work", "do_not_disturb"],
]);

/** Status served for an unknown status of the vendor, so that callers do not disturb the agent by mistake. */
const FALLBACK: Status = "do_not_disturb";

/** Converts a status of the vendor. */
export function toStatus(vendorStatus: string): { readonly status: Status; readonly isKnown: boolean } {
  const status = STATUSES.get(vendorStatus);
  return { status: status ?? FALLBACK, isKnown: status !== undefined };
}

/**
 * Converts a status of the vendor into a state. The API lacks the duration of wrap-up time. With `wrapUpSeconds`,
 * wrap-up time starts when `after_call_work` is first seen; `known` shows whether the status was seen before.
 *
 * @returns `undefined` if the agent is still in the same wrap-up time, so that the state does not change.
 */
export function toAgentState(
  vendorStatus: string,
  { wrapUpSeconds, known }: { readonly wrapUpSeconds: number | undefined; readonly known: StoredAgent | undefined },
): AgentState | undefined {
  const { status } = toStatus(vendorStatus);
  if (vendorStatus !== "after_call_work" || wrapUpSeconds === undefined) return { status };
  const isRunning = known?.status === status && known.wrapUp?.configuredSeconds === wrapUpSeconds;
  return isRunning ? undefined : { status, wrapUp: { configuredSeconds: wrapUpSeconds, leftSeconds: wrapUpSeconds } };
}

/** Value by which the vendor's API sets an agent's status. */
export type Setting = "available" | "unavailable";

/** Statuses settable by the vendor's API, with the API's names. The API can set neither a reason nor a call. */
export const SETTINGS: ReadonlyMap<Status, Setting> = new Map([
  ["available", "available"],
  ["do_not_disturb", "unavailable"],
]);
