/** Texts with values, as the language writes both. */
import type { Availability } from "../../shared/contracts/availability.ts";
import type { AgentRow } from "./rows.ts";
import type { PanelTexts } from "./texts/panel-texts.ts";

/** Names an agent. The gateway has ids and no names. */
export function formatAgent(userId: number, texts: PanelTexts): string {
  return texts.agent.replace("{id}", `${userId}`);
}

/** Writes an agent's status; of an unavailable agent the reason, if known. */
export function formatStatus({ status, reason }: Pick<AgentRow, "status" | "reason">, texts: PanelTexts): string {
  return texts[reason ?? status];
}

/** Writes a number. */
export function formatCount(count: number, language: string): string {
  return new Intl.NumberFormat(language).format(count);
}

/** Least number of seconds of a time with minutes. */
const MINUTE = 60;

/** Writes the remaining wrap-up time: in seconds, such as `25 sec`, or above a minute as `4:05`. */
export function formatTime({ wrapUpTimeTtl = 0 }: Availability, language: string): string {
  if (wrapUpTimeTtl < MINUTE) {
    const format = new Intl.NumberFormat(language, { style: "unit", unit: "second", unitDisplay: "short" });
    return format.format(wrapUpTimeTtl);
  }
  const seconds = new Intl.NumberFormat(language, { minimumIntegerDigits: 2 }).format(wrapUpTimeTtl % MINUTE);
  return `${formatCount(Math.floor(wrapUpTimeTtl / MINUTE), language)}:${seconds}`;
}
