/** Texts about an agent's availability, as the badge and the widget show them. Each language has a file of this type beside this one. */
import type { AvailabilityState, UnavailableReason } from "../contracts/read-availability.ts";

/** State that a person sees: one of the backend's, or the reason that no availability is shown. */
export type ShownState =
  | AvailabilityState
  /** A status that this release does not know, or no availability. */
  | "unknown"
  /** The agent has ended a call and takes no other one yet. */
  | "wrapping_up"
  /** Nothing has come yet. */
  | "loading"
  /** The page's token may not see agents. */
  | "not_allowed"
  /** The agent was removed while watched. */
  | "removed"
  /** The agent could not be fetched. */
  | "error";

/** Key of a text. */
export type TextKey =
  | ShownState
  | UnavailableReason
  /** There is no such agent. */
  | "unknown_agent"
  /** The backend accepts no token of the page any more. */
  | "session_over"
  /** Follows a status that may be outdated. `{age}` stands for a relative time, such as "5 minutes ago". */
  | "stale"
  /** The agent can be called now, or not. */
  | "callable"
  | "not_callable";

/** All texts of a language: a missing text does not compile. Each begins as a line of its own would. */
export type Texts = Readonly<Record<TextKey, string>>;
