/** How old what the backend answers is: while it has lost sight of what it tells of, it says so. */

interface WithWrapUp {
  readonly wrapUpTimeTtl?: number;
}

/** How long ago an answer was made, in whole seconds; 0 where it does not say. */
export function parseAge(headers: Headers): number {
  const text = headers.get("age") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/** An availability so many seconds after it was made. */
export function subtractElapsed<Aged extends WithWrapUp>(availability: Aged, seconds: number): Aged {
  const { wrapUpTimeTtl } = availability;
  if (!wrapUpTimeTtl || seconds === 0) return availability;
  return { ...availability, wrapUpTimeTtl: Math.max(0, wrapUpTimeTtl - seconds) };
}
