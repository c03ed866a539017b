import { AVAILABILITY_STATUSES } from "../../../shared/contracts/availability.ts";
import type { AgentState, Status, StoredAgent } from "../../store/agent.ts";

/** Words that the vendor's API and the contract share, and one that the contract spells in its own way. */
const STATUSES: ReadonlyMap<string, Status> = new Map<string, Status>([
  ...AVAILABILITY_STATUSES.map((status): [string, Status] => [status, status]),
  ["in_training", "in_traning"],
  ["after_call_work", "do_not_disturb"],
]);

/** What to serve for a word that nobody knows: nobody is called by mistake. */
const FALLBACK: Status = "do_not_disturb";

/** The vendor's word for an agent's availability, as a status. */
export function toStatus(word: string): { readonly status: Status; readonly isKnown: boolean } {
  const status = STATUSES.get(word);
  return { status: status ?? FALLBACK, isKnown: status !== undefined };
}

/**
 * The vendor's word as a state. The API does not say how long wrap-up time lasts: where `wrapUpSeconds` says it, it runs from the
 * moment that `after_call_work` is first seen, which `known` remembers.
 *
 * @returns `undefined` where the agent is in the same wrap-up time as before, and nothing is to be said anew.
 */
export function toAgentState(
  word: string,
  { wrapUpSeconds, known }: { readonly wrapUpSeconds: number | undefined; readonly known: StoredAgent | undefined },
): AgentState | undefined {
  const { status } = toStatus(word);
  if (word !== "after_call_work" || wrapUpSeconds === undefined) return { status };
  const isRunning = known?.status === status && known.wrapUp?.configuredSeconds === wrapUpSeconds;
  return isRunning ? undefined : { status, wrapUp: { configuredSeconds: wrapUpSeconds, leftSeconds: wrapUpSeconds } };
}

/** The statuses that the vendor's API can set, and its words for them. It can set neither a reason nor what follows from a call. */
export const SETTINGS: ReadonlyMap<Status, "available" | "unavailable"> = new Map([
  ["available", "available"],
  ["do_not_disturb", "unavailable"],
]);
