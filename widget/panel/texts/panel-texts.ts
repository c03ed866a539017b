/** Texts of the panel beside those about an availability. Each language has a file of this type beside this one. */
import type { Texts } from "../../../shared/languages/texts.ts";
import type { ChangeFailure } from "../status-change.ts";

/** Key of a text of the panel alone. */
type PanelTextKey =
  /** Name of the list. */
  | "team"
  /** An agent. `{id}` stands for the user id. */
  | "agent"
  /** Name of the switcher, and of the signed-in agent's row. */
  | "your_status"
  | "you"
  /** Why the switcher is disabled. */
  | "no_token"
  | "no_agent"
  | "no_scope"
  /** Why a status was not changed. */
  | `change_${ChangeFailure}`
  | "search"
  /** Nobody matches the text of the search, `{query}`. */
  | "no_match"
  | "clear_search"
  /** Number of agents who can be called: `{callable}` of `{total}`. */
  | "callable_count"
  /** Remaining wrap-up time, `{time}`. */
  | "time_left"
  | "connecting"
  | "connected"
  | "reconnecting"
  | "retry"
  | "signed_out"
  | "signed_out_hint"
  | "team_not_allowed"
  | "team_not_allowed_hint"
  | "failed"
  | "failed_hint"
  | "empty"
  | "empty_hint"
  /** The agent whom the page has asked for could not be fetched. */
  | "agent_failed";

/** The texts of one language: a missing text does not compile. */
export type PanelTexts = Texts & Readonly<Record<PanelTextKey, string>>;
