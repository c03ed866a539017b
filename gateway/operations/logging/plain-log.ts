import type { Log } from "./log.ts";

/** Functions that write to the terminal. */
export interface PlainLogOptions {
  readonly print: (line: string) => void;
  readonly printError: (error: unknown) => void;
}

/** Creates the log of a demo, for a reader at a terminal: events and errors, without requests. */
export function createPlainLog({ print, printError }: PlainLogOptions): Log {
  return {
    line: print,
    warning: (text) => print(text),
    error: (text) => printError(text),
    defect: (error) => printError(error),
    flush: () => Promise.resolve(),
  };
}
