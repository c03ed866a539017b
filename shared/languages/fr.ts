import type { Texts } from "./texts.ts";

/** French. */
export const fr: Texts = {
  available: "Disponible",
  offline: "Hors ligne",
  do_not_disturb: "Ne pas déranger",
  on_mobile: "Sur mobile",
  in_call: "En appel",
  out_for_lunch: "Pause déjeuner",
  on_a_break: "En pause",
  in_traning: "En formation",
  doing_back_office: "Back-office",
  other: "Autre raison",
  wrapping_up: "Post-appel",
  loading: "Chargement",
  unknown: "Inconnu",
  unknown_agent: "Agent inconnu",
  not_allowed: "Accès refusé",
  removed: "Supprimé",
  error: "Erreur",
  session_over: "Session terminée",
  stale: "Dernier état connu {age}",
  callable: "Joignable maintenant",
  not_callable: "Injoignable pour le moment",
};
