import type { ServerResponse } from "node:http";

export interface BackpressureOptions {
  /** Whether the rest is not to be written any more. */
  readonly isCancelled: () => boolean;
  /** Called after each piece that has left, or was taken in full. */
  readonly onProgress: () => void;
}

/** How much is made and written at a time, in characters. */
const PIECE_LENGTH = 64 * 1024;

/** Writes texts in pieces, each when the one before it has left. Resolves to whether all were written. */
export async function writeWithBackpressure(
  response: ServerResponse,
  texts: Iterable<string>,
  { isCancelled, onProgress }: BackpressureOptions,
): Promise<boolean> {
  for (const piece of toPieces(texts)) {
    if (isCancelled() || response.destroyed) return false;
    if (!response.write(piece)) await waitForDrain(response);
    onProgress();
  }
  return !isCancelled() && !response.destroyed;
}

function* toPieces(texts: Iterable<string>): Generator<string> {
  let piece = "";
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  if (piece) yield piece;
}

/** Resolves when what was written has left, or the connection is gone. */
function waitForDrain(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
    if (response.destroyed) done();
  });
}
