/** The mark of a status: a shape for each, so that the colour is not needed. */
import { html, nothing, svg, type TemplateResult } from "lit-html";
import { MARKS, WRAP_UP_RING } from "../../shared/looks/marks.ts";
import type { ShownStatus } from "./rows.ts";

/** Status of a mark; `error` after a failed fetch. */
export type MarkStatus = ShownStatus | "error" | "loading" | "removed";

/**
 * Renders a mark, hidden from assistive technology: the text beside has the status.
 *
 * @param remaining remaining part of the wrap-up time, from 0 to 1. @default no running ring
 */
export function renderMark(status: MarkStatus, remaining?: number): TemplateResult {
  const ring =
    remaining === undefined
      ? nothing
      : svg`<path class="ring" pathLength="1" stroke-dasharray="${remaining.toFixed(3)} 1" d=${WRAP_UP_RING} />`;
  return html`<svg class="mark" data-status=${status} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path fill-rule="evenodd" d=${MARKS[status]} />${ring}
  </svg>`;
}
