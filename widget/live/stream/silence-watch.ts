/** The gateway gives a sign of life this often, in milliseconds. */
const HEARTBEAT_MS = 15_000;

/** A stream of which nothing has come for so long is held back on its way, in milliseconds. */
const OPENING_MS = 2 * HEARTBEAT_MS;

/** A stream that has been heard, and is silent for so long, is dead, in milliseconds. */
const SILENCE_MS = 3 * HEARTBEAT_MS;

/** Watches over one stream. */
export interface SilenceWatch {
  /** The stream has shown that it is there. */
  hear(): void;
  /** Whether the stream has been heard, and then not for longer than the gateway is ever silent. */
  isOverdue(): boolean;
  stop(): void;
}

/**
 * Begins to watch a stream that is being opened. There is one timer, which what is heard leaves alone; `onLook` is called when
 * it fires, with whether nothing was heard for too long.
 */
export function watchSilence(onLook: (isSilent: boolean) => void): SilenceWatch {
  let heardAt = performance.now();
  let limitMs = OPENING_MS;
  let timer = setTimeout(look, limitMs);

  function look(): void {
    const leftMs = heardAt + limitMs - performance.now();
    if (leftMs > 0) timer = setTimeout(look, leftMs);
    onLook(leftMs <= 0);
  }

  return {
    hear() {
      heardAt = performance.now();
      limitMs = SILENCE_MS;
    },
    isOverdue: () => limitMs === SILENCE_MS && performance.now() - heardAt > HEARTBEAT_MS,
    stop: () => clearTimeout(timer),
  };
}
