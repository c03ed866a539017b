/** All rules for a widget. */
import type { Rule } from "../rule.ts";
import type { VectorFile } from "../vectors.ts";
import type { WidgetBench } from "../widget-bench.ts";
import { envelopeRules } from "./envelope.ts";
import { requestRules } from "./requests.ts";
import { transportRules } from "./transport.ts";
import { createVectorRules } from "./vectors.ts";

/** Creates the list of rules for a widget, the handshake first. */
export function createWidgetRules(files: readonly VectorFile[]): readonly Rule<WidgetBench>[] {
  return [...transportRules, ...envelopeRules, ...requestRules, ...createVectorRules(files)];
}
