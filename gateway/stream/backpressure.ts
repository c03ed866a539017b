import type { ServerResponse } from "node:http";

export interface BackpressureOptions {
  /** Returns true once the remaining texts must not be written. */
  readonly isCancelled: () => boolean;
  /** Called after each written piece. */
  readonly onProgress: () => void;
}

/** Length of a piece, in characters. */
const PIECE_LENGTH = 64 * 1024;

/** Writes pieces, each after the previous piece has been sent. Resolves with true if all pieces were written. */
export async function writeWithBackpressure(
  response: ServerResponse,
  pieces: Iterable<Uint8Array | string>,
  { isCancelled, onProgress }: BackpressureOptions,
): Promise<boolean> {
  for (const piece of pieces) {
    if (isCancelled() || response.destroyed) return false;
    if (!response.write(piece)) await waitForDrain(response);
    onProgress();
  }
  return !isCancelled() && !response.destroyed;
}

/** Joins texts to pieces for `writeWithBackpressure`. */
export function* toPieces(texts: Iterable<string>): Generator<string> {
  let piece = "";
  for (const text of texts) {
    piece += text;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = "";
  }
  if (piece) yield piece;
}

/** Resolves when the written data has been sent or the connection is closed. */
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
