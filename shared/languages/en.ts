import type { Texts } from "./texts.ts";

/** English. */
export const en: Texts = {
  available: "Available",
  offline: "Offline",
  do_not_disturb: "Do not disturb",
  on_mobile: "On mobile",
  in_call: "In call",
  out_for_lunch: "Out for lunch",
  on_a_break: "On a break",
  in_traning: "In training",
  doing_back_office: "Doing back office",
  other: "Other reason",
  wrapping_up: "Wrapping up",
  loading: "Loading",
  unknown: "Unknown",
  unknown_agent: "Unknown agent",
  not_allowed: "Not allowed",
  removed: "Removed",
  error: "Error",
  session_over: "Session ended",
  stale: "Last known {age}",
  callable: "Can be called now",
  not_callable: "Cannot be called now",
};
