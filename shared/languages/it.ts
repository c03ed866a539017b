import type { Texts } from "./texts.ts";

/** Italian. */
export const it: Texts = {
  available: "Disponibile",
  offline: "Offline",
  do_not_disturb: "Non disturbare",
  on_mobile: "Su cellulare",
  in_call: "In chiamata",
  out_for_lunch: "In pausa pranzo",
  on_a_break: "In pausa",
  in_traning: "In formazione",
  doing_back_office: "In back office",
  other: "Altro motivo",
  wrapping_up: "Post-chiamata",
  loading: "Caricamento",
  unknown: "Sconosciuto",
  unknown_agent: "Agente sconosciuto",
  not_allowed: "Accesso negato",
  removed: "Rimosso",
  error: "Errore",
  session_over: "Sessione terminata",
  stale: "Ultimo stato noto {age}",
  callable: "Raggiungibile ora",
  not_callable: "Non raggiungibile al momento",
};
