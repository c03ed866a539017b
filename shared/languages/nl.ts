import type { Texts } from "./texts.ts";

/** Dutch. */
export const nl: Texts = {
  available: "Beschikbaar",
  offline: "Offline",
  do_not_disturb: "Niet storen",
  on_mobile: "Mobiel",
  in_call: "In gesprek",
  out_for_lunch: "Lunchpauze",
  on_a_break: "Pauze",
  in_traning: "In training",
  doing_back_office: "In de backoffice",
  other: "Andere reden",
  wrapping_up: "Nawerk",
  loading: "Laden",
  unknown: "Onbekend",
  unknown_agent: "Onbekende agent",
  not_allowed: "Geen toegang",
  removed: "Verwijderd",
  error: "Fout",
  session_over: "Sessie beëindigd",
  stale: "Laatst bekende status {age}",
  callable: "Nu bereikbaar",
  not_callable: "Nu niet bereikbaar",
};
