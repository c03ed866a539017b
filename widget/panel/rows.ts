/** The rows of the panel's list: agents by status, below a heading for each status. */
import type { Availability } from "../../shared/contracts/availability.ts";
import type { AvailabilityReading } from "../../shared/contracts/read-availability.ts";

/** Status of an agent as the panel groups it. */
export type ShownStatus = AvailabilityReading["state"] | "wrapping_up";

/** An agent of the list. */
export interface AgentRow {
  readonly kind: "agent";
  readonly availability: Availability;
  readonly status: ShownStatus;
  readonly reason: AvailabilityReading["reason"];
  readonly callable: boolean;
}

/** The heading of a status. */
export interface HeadingRow {
  readonly kind: "heading";
  readonly status: ShownStatus;
  /** Number of agents below the heading. */
  readonly count: number;
}

export type Row = AgentRow | HeadingRow;

/** Callable agents first, then agents who may be soon. */
const ORDER: readonly ShownStatus[] = [
  "available",
  "wrapping_up",
  "in_call",
  "on_mobile",
  "do_not_disturb",
  "offline",
  "unknown",
];

export interface RowOptions {
  readonly readAvailability: (availability: Availability) => AvailabilityReading;
  /** Returns the texts of an agent, for the search of `query`. */
  readonly describe: (row: AgentRow) => string;
  /** Text to search for; empty for every agent. */
  readonly query: string;
}

/** Reads an availability as a row. */
export function toRow(availability: Availability, readAvailability: RowOptions["readAvailability"]): AgentRow {
  const { state, reason, callable } = readAvailability(availability);
  const status = state === "available" && !callable ? "wrapping_up" : state;
  return { kind: "agent", availability, status, reason, callable };
}

/** Lists the matching agents, by status and then by user id. Each word of the query has to be in an agent's texts. */
export function listRows(
  availabilities: readonly Availability[],
  { readAvailability, describe, query }: RowOptions,
): readonly Row[] {
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<ShownStatus, AgentRow[]>(ORDER.map((status) => [status, []]));
  for (const availability of availabilities) {
    const row = toRow(availability, readAvailability);
    const text = words.length > 0 ? describe(row).toLocaleLowerCase() : "";
    if (words.every((word) => text.includes(word))) groups.get(row.status)?.push(row);
  }
  return [...groups].flatMap(([status, agents]): Row[] => {
    if (agents.length === 0) return [];
    agents.sort((one, other) => one.availability.userId - other.availability.userId);
    return [{ kind: "heading", status, count: agents.length }, ...agents];
  });
}
