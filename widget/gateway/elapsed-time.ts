/** The time that has passed since the gateway made a response. */

interface WithWrapUp {
  readonly wrapUpTimeTtl?: number;
}

/**
 * Parses the response's age in whole seconds; 0 without a valid `Age` header. The gateway sends one while the connection
 * to its upstream is lost.
 */
export function parseAge(headers: Headers): number {
  const text = headers.get("age") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/**
 * Subtracts elapsed milliseconds from the wrap-up time: whole seconds remain, rounded up, and at least 0. All parts of
 * the widget count down by this function. The live part and the view share no code with the document, which passes it.
 */
export function subtractElapsed<Aged extends WithWrapUp>(availability: Aged, elapsedMs: number): Aged {
  const { wrapUpTimeTtl } = availability;
  if (!wrapUpTimeTtl || elapsedMs === 0) return availability;
  return { ...availability, wrapUpTimeTtl: Math.max(0, Math.ceil(wrapUpTimeTtl - Math.round(elapsedMs) / 1_000)) };
}

/** The type of `subtractElapsed`. */
export type SubtractElapsed = typeof subtractElapsed;
