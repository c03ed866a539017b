import { DEFAULT_TIMEOUT_MS, readTimeout } from "../../shared/protocol/envelope.ts";

const DEFAULTS = {
  timeoutMs: DEFAULT_TIMEOUT_MS,
  handshakeTimeoutMs: DEFAULT_TIMEOUT_MS,
  retryDelayMs: 500,
  heartbeatMs: 2_000,
};

/** How long a connector waits for what, in whole milliseconds. */
export type Durations = Readonly<typeof DEFAULTS>;

/**
 * Reads the durations among a connector's options, and completes them.
 *
 * @throws {Refusal} where one is not from 1 to 120,000; the message names it.
 */
export function readDurations(options: Partial<Durations>): Durations {
  const durations = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Durations)[]) {
    durations[name] = readTimeout(options[name] ?? DEFAULTS[name], name);
  }
  return durations;
}
