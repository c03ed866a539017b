import type { Texts } from "./texts.ts";

/** Portuguese. */
export const pt: Texts = {
  available: "Disponível",
  offline: "Offline",
  do_not_disturb: "Não incomodar",
  on_mobile: "No celular",
  in_call: "Em chamada",
  out_for_lunch: "Em almoço",
  on_a_break: "Em pausa",
  in_traning: "Em treinamento",
  doing_back_office: "No back office",
  other: "Outro motivo",
  wrapping_up: "Pós-atendimento",
  loading: "Carregando",
  unknown: "Desconhecido",
  unknown_agent: "Agente desconhecido",
  not_allowed: "Sem permissão",
  removed: "Removido",
  error: "Erro",
  session_over: "Sessão encerrada",
  stale: "Último status conhecido {age}",
  callable: "Pode receber ligações agora",
  not_callable: "Não pode receber ligações agora",
};
