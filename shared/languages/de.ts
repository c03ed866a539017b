import type { Texts } from "./texts.ts";

/** German. */
export const de: Texts = {
  available: "Verfügbar",
  offline: "Offline",
  do_not_disturb: "Nicht stören",
  on_mobile: "Mobil",
  in_call: "Im Gespräch",
  out_for_lunch: "Mittagspause",
  on_a_break: "In der Pause",
  in_traning: "In Schulung",
  doing_back_office: "Im Backoffice",
  other: "Anderer Grund",
  wrapping_up: "Nachbearbeitung",
  loading: "Wird geladen",
  unknown: "Unbekannt",
  unknown_agent: "Agent unbekannt",
  not_allowed: "Kein Zugriff",
  removed: "Entfernt",
  error: "Fehler",
  session_over: "Sitzung beendet",
  stale: "Stand {age}",
  callable: "Jetzt erreichbar",
  not_callable: "Jetzt nicht erreichbar",
};
