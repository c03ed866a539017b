/** Position in the order of a store's changes. */
export interface Cursor {
  /** Name of the order. A store that has lost changes starts a new epoch. */
  readonly epoch: string;
  /** Number of changes up to and including this position, counted from the start of the epoch or earlier. */
  readonly position: number;
}

/** Formats a cursor as the text that subscribers receive and send back. */
export function toCursorText({ epoch, position }: Cursor): string {
  return `${epoch}-${position}`;
}

/** Parses the cursor that a subscriber sent. `undefined` if the text is no cursor. */
export function parseCursor(text: string): Cursor | undefined {
  const [, epoch, position] = /^([0-9a-f]{1,32})-(0|[1-9]\d{0,14})$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, position: Number(position) };
}

/** True if a subscriber at the first cursor already has the change at the second. */
export function isAtOrAfter(reached: string, cursor: string): boolean {
  const [from, at] = [parseCursor(reached), parseCursor(cursor)];
  return from !== undefined && at !== undefined && from.epoch === at.epoch && at.position <= from.position;
}
