/** Content of the panel at a moment. */
import type { Availability } from "../../shared/contracts/availability.ts";
import type { PlacedRow } from "./list-view.ts";
import type { OwnAgent } from "./own-agent.ts";
import type { AgentRow, Row } from "./rows.ts";
import type { ChangeFailure, Choice } from "./status-change.ts";
import type { PanelTexts } from "./texts/panel-texts.ts";

/**
 * State of the team: not loaded yet; loaded; not loaded, with a reason to act on. `signed_out`: the gateway accepts
 * no token of the page. `team_not_allowed`: the token may not read agents.
 */
export type Phase = "connecting" | "ready" | "failed" | "team_not_allowed" | "signed_out";

/** The agent whom the agent at the screen, or the page, has selected. */
export interface Selection {
  readonly userId: number;
  /** `undefined` if the agent was removed, or is not known at present: after the session's end, for example. */
  readonly row: AgentRow | undefined;
  readonly wasRemoved: boolean;
}

export interface PanelModel {
  readonly texts: PanelTexts;
  /** BCP 47 tag of the texts' language. */
  readonly language: string;
  readonly phase: Phase;
  /** True while changes may be missing. */
  readonly isStale: boolean;
  readonly own: OwnAgent;
  /** The signed-in agent's row, with the still unconfirmed choice. */
  readonly ownRow: AgentRow | undefined;
  readonly pending: Choice | undefined;
  readonly failure: ChangeFailure | undefined;
  readonly query: string;
  /** Number of all agents, and of callable agents. */
  readonly total: number;
  readonly callable: number;
  readonly rows: readonly Row[];
  readonly placed: readonly PlacedRow[];
  /** Height of all rows, in CSS pixels. */
  readonly height: number;
  readonly selection: Selection | undefined;
  /** True if the page has asked for an agent who could not be fetched. */
  readonly hasFailedRequest: boolean;
}

/** Actions of the agent at the screen. */
export interface PanelActions {
  choose(word: string): void;
  search(query: string): void;
  select(userId: number): void;
  retry(): void;
  /** Handles a key in the list. */
  handleListKey(event: KeyboardEvent): void;
  /** Handles a key in the field of the search. */
  handleSearchKey(event: KeyboardEvent): void;
}

/** Returns the remaining part of an agent's wrap-up time, from 0 to 1; `undefined` at the end and without a wrap-up time. */
export function readRemaining({ wrapUpTimeTtl = 0, wrapUpTimeConfig = 0 }: Availability): number | undefined {
  return wrapUpTimeTtl > 0 && wrapUpTimeConfig > 0 ? wrapUpTimeTtl / wrapUpTimeConfig : undefined;
}
