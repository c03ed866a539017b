/** What a worker and a tab say to each other about one call. Both are of the same build: its file's name says so. */
export interface Said {
  /** The tab is there, and asks its page. */
  readonly isHere?: boolean;
  /** The page's token, or that it has none. */
  readonly token?: string | undefined;
  /** Whether the backend has taken that token. */
  readonly isTaken?: boolean;
  /** The page has no other token. */
  readonly isOver?: boolean;
}

/** One end of a call between a worker and a tab. */
export interface Line {
  say(said: Said): void;
  /** What the other end says next; `undefined` where it says nothing for so long, in milliseconds. */
  next(patienceMs: number): Promise<Said | undefined>;
  close(): void;
}

/** Talks over a port that was made for one call. */
export function createLine(port: MessagePort): Line {
  const unheard: Said[] = [];
  let onSaid = (): void => {};
  port.onmessage = ({ data }: MessageEvent<Said>) => {
    unheard.push(data);
    onSaid();
  };
  return {
    say: (said) => port.postMessage(said),
    next: (patienceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(undefined), patienceMs);
        onSaid = () => {
          const said = unheard.shift();
          if (!said) return;
          clearTimeout(timer);
          onSaid = () => {};
          resolve(said);
        };
        onSaid();
      }),
    close: () => port.close(),
  };
}
