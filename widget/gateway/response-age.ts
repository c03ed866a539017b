/** The `Age` of a response: the gateway sends one while the connection to its upstream is lost. */

interface WithWrapUp {
  readonly wrapUpTimeTtl?: number;
}

/** Parses the response's age in whole seconds; 0 without a valid `Age` header. */
export function parseAge(headers: Headers): number {
  const text = headers.get("age") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/** Subtracts elapsed seconds from the wrap-up time, down to 0. */
export function subtractElapsed<Aged extends WithWrapUp>(availability: Aged, seconds: number): Aged {
  const { wrapUpTimeTtl } = availability;
  if (!wrapUpTimeTtl || seconds === 0) return availability;
  return { ...availability, wrapUpTimeTtl: Math.max(0, wrapUpTimeTtl - seconds) };
}
