import { DEFAULT_TIMEOUT_MS, parseTimeout } from "../../shared/protocol/envelope.ts";

/** Timeouts and delays of a connector, in whole milliseconds. */
export interface Timeouts {
  readonly timeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly retryDelayMs: number;
  readonly heartbeatMs: number;
}

/**
 * Reads the timeouts among a connector's options, and adds the defaults.
 *
 * @throws {BridgeRejectionError} when a timeout is not from 1 to 120,000; the message names the option.
 */
export function parseTimeouts(options: { readonly [Name in keyof Timeouts]?: number | undefined }): Timeouts {
  const timeouts = {
    timeoutMs: DEFAULT_TIMEOUT_MS,
    handshakeTimeoutMs: DEFAULT_TIMEOUT_MS,
    retryDelayMs: 500,
    heartbeatMs: 2_000,
  };
  for (const name of Object.keys(timeouts) as (keyof Timeouts)[]) {
    timeouts[name] = parseTimeout(options[name] ?? timeouts[name], name);
  }
  return timeouts;
}
