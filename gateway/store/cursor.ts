/** A place in the order of a store's changes. */
export interface Cursor {
  /** Names the order: a store that has lost changes begins another one. */
  readonly epoch: string;
  /** How many changes come before it and at it, counted from the epoch's beginning or earlier. */
  readonly position: number;
}

/** A cursor as readers hold it, and send it back. */
export function toCursorText({ epoch, position }: Cursor): string {
  return `${epoch}-${position}`;
}

/** The cursor that a reader has sent back; `undefined` where the text is none. */
export function parseCursor(text: string): Cursor | undefined {
  const [, epoch, position] = /^([0-9a-f]{1,32})-(0|[1-9]\d{0,14})$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, position: Number(position) };
}

/** Whether a reader that holds everything up to one cursor has been told already of what stands at another one. */
export function isAtOrAfter(reached: string, cursor: string): boolean {
  const [from, at] = [parseCursor(reached), parseCursor(cursor)];
  return from !== undefined && at !== undefined && from.epoch === at.epoch && at.position <= from.position;
}
