import type { Texts } from "./texts.ts";

/** Spanish. */
export const es: Texts = {
  available: "Disponible",
  offline: "Desconectado",
  do_not_disturb: "No molestar",
  on_mobile: "En el móvil",
  in_call: "En llamada",
  out_for_lunch: "Almorzando",
  on_a_break: "En una pausa",
  in_traning: "En formación",
  doing_back_office: "En back office",
  other: "Otro motivo",
  wrapping_up: "Tareas poscontacto",
  loading: "Cargando",
  unknown: "Desconocido",
  unknown_agent: "Agente desconocido",
  not_allowed: "Sin permiso",
  removed: "Eliminado",
  error: "Error",
  session_over: "Sesión finalizada",
  stale: "Último estado conocido {age}",
  callable: "Se le puede llamar ahora",
  not_callable: "No se le puede llamar ahora",
};
