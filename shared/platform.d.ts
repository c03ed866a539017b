/**
 * Globals that `shared/` uses, all available in browsers and in Node.
 * The folder compiles without the DOM and the Node libraries, so that any other global is a compile error.
 */

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare function setTimeout(callback: () => void, milliseconds: number): TimerHandle;
declare function queueMicrotask(callback: () => void): void;
declare function clearTimeout(timer: TimerHandle | undefined): void;

/** Opaque: a browser returns a number, Node returns an object. */
type TimerHandle = { readonly __timer: never };

declare class TextEncoder {
  encode(text: string): { readonly length: number };
}

declare const performance: { now(): number };

declare class URL {
  constructor(url: string, base?: string);
  readonly origin: string;
  readonly protocol: string;
}

/** Absent in Node before version 21: only code that has an element uses it. */
declare const navigator: { readonly language?: string };
