import type { Log } from "./log.ts";

/** How a terminal is written to. */
export interface PlainLogOptions {
  readonly print: (line: string) => void;
  readonly printError: (error: unknown) => void;
}

/** The log of a demo, for whoever reads along: what the gateway does, what goes wrong, and no line for each request. */
export function createPlainLog({ print, printError }: PlainLogOptions): Log {
  return {
    line: print,
    warning: print,
    defect: (error) => printError(error),
    flush: () => Promise.resolve(),
  };
}
