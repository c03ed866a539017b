/**
 * A message between a worker and a tab about one request. Worker and tab are of the same build, because the build's
 * hash is part of the worker's file name.
 */
export interface TokenMessage {
  /** The tab is present, and has asked the page. */
  readonly isPresent?: boolean;
  /** The page's token, or `undefined` without a token. */
  readonly token?: string | undefined;
  /** True if the gateway accepted the token. */
  readonly isAccepted?: boolean;
  /** The page has no other token. */
  readonly isDone?: boolean;
}

/** One end of the channel between a worker and a tab, for one request. */
export interface TokenChannel {
  send(message: TokenMessage): void;
  /** Resolves with the next message, or with `undefined` after the timeout. */
  receive(timeoutMs: number): Promise<TokenMessage | undefined>;
  close(): void;
}

/** Opens the channel over a port made for one request. */
export function createTokenChannel(port: MessagePort): TokenChannel {
  const queue: TokenMessage[] = [];
  let onReceived = (): void => {};
  port.onmessage = ({ data }: MessageEvent<TokenMessage>) => {
    queue.push(data);
    onReceived();
  };
  return {
    send: (message) => port.postMessage(message),
    receive: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(undefined), timeoutMs);
        onReceived = () => {
          const message = queue.shift();
          if (!message) return;
          clearTimeout(timer);
          onReceived = () => {};
          resolve(message);
        };
        onReceived();
      }),
    close: () => port.close(),
  };
}
