import { de as shared } from "../../../shared/languages/de.ts";
import type { PanelTexts } from "./panel-texts.ts";

/** German. */
export const de: PanelTexts = {
  ...shared,
  team: "Team",
  agent: "Agent {id}",
  your_status: "Ihr Status",
  you: "Sie",
  no_token: "Melden Sie sich an, um Ihren Status zu setzen",
  no_agent: "Sie sind nicht als Agent angemeldet",
  no_scope: "Mit Ihrer Anmeldung können Sie Ihren Status nicht ändern",
  change_not_allowed: "Status nicht geändert: Sie dürfen ihn nicht ändern",
  change_signed_out: "Status nicht geändert: Ihre Sitzung ist beendet",
  change_unreachable: "Status nicht geändert: Der Server ist nicht erreichbar",
  change_rejected: "Status nicht geändert: Die Telefonanlage hat abgelehnt",
  search: "Team durchsuchen",
  no_match: "Niemand passt zu „{query}“",
  clear_search: "Suche löschen",
  callable_count: "{callable} von {total} erreichbar",
  time_left: "Noch {time}",
  connecting: "Verbindung wird hergestellt …",
  connected: "Live",
  reconnecting: "Verbindung wird wiederhergestellt … Status eventuell veraltet",
  retry: "Erneut versuchen",
  signed_out: "Ihre Sitzung ist beendet",
  signed_out_hint: "Melden Sie sich auf dieser Seite neu an und versuchen Sie es dann erneut.",
  team_not_allowed: "Sie dürfen das Team nicht sehen",
  team_not_allowed_hint: "Bitten Sie Ihre Administration um Zugriff auf das Telefon-Widget.",
  failed: "Das Team konnte nicht geladen werden",
  failed_hint:
    "Der Server der Telefonanlage ist nicht erreichbar. Prüfen Sie Ihr Netzwerk und versuchen Sie es dann erneut.",
  empty: "Hier ist noch niemand",
  empty_hint: "Agenten erscheinen, sobald die Telefonanlage welche hat.",
  agent_failed: "Die Verfügbarkeit konnte nicht abgerufen werden",
};
