import { DEFAULT_TIMEOUT_MS, parseTimeout } from "../../shared/protocol/envelope.ts";

const DEFAULTS = {
  timeoutMs: DEFAULT_TIMEOUT_MS,
  handshakeTimeoutMs: DEFAULT_TIMEOUT_MS,
  retryDelayMs: 500,
  heartbeatMs: 2_000,
};

/** Timeouts and delays of a connector, in whole milliseconds. */
export type Timeouts = Readonly<typeof DEFAULTS>;

/**
 * Reads the timeouts among a connector's options, and adds the defaults.
 *
 * @throws {BridgeRejectionError} when a timeout is not from 1 to 120,000; the message names the option.
 */
export function parseTimeouts(options: Partial<Timeouts>): Timeouts {
  const timeouts = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Timeouts)[]) {
    timeouts[name] = parseTimeout(options[name] ?? DEFAULTS[name], name);
  }
  return timeouts;
}
