/**
 * Entry `availability-bridge/doctor`: finds the faults that keep the bridge of a page from working. Importing the module has no side effects.
 */
import { type ConnectOptions, connect } from "./connect.ts";
import type { Connector } from "./connector.ts";
import { collectViolations, examine } from "./doctor/examine.ts";
import type { Report } from "./doctor/finding.ts";
import { findMountedAddress, findPageFaults } from "./doctor/page-faults.ts";

export type { Change, Finding, FindingCode, Report, Severity } from "./doctor/finding.ts";

/** Options of `diagnose`. */
export interface DiagnoseOptions {
  /** Maximum wait for the widget and its gateway in milliseconds, 1 to 120,000. @default 10000 */
  readonly timeoutMs?: number;
}

/**
 * Examines the bridge of the page. A given connector requests an agent once. With the options of `connect` the doctor connects in an iframe of its
 * own, removes the iframe in the end, and calls `fetchToken` to explain the refusal of a token. The report has neither a token nor the query of
 * an address.
 *
 * @param target A connector of the page, or the options that `connect` gets.
 * @throws {TypeError} when an option has a wrong value; the message names the option and what was expected.
 */
export async function diagnose(target: Connector | ConnectOptions, options: DiagnoseOptions = {}): Promise<Report> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (isConnector(target)) {
    const src = findMountedAddress();
    const pageFaults = src ? findPageFaults(src) : [];
    const subject = { connector: target, src, fetchToken: undefined, isTokenKnown: false, pageFaults, timeoutMs };
    return examine(subject, collectViolations(src?.origin));
  }
  // The page's own iframe and container stay as they are: the doctor reads the attributes of the iframe in the document.
  const { frame, container: _container, debug: _debug, src: given = frame?.src ?? "", ...others } = target;
  // Before the doctor's own iframe, which would count as a copy.
  const url = new URL(given);
  const pageFaults = findPageFaults(url);
  const violations = collectViolations(url.origin);
  const connector = connect({ ...others, src: url, handshakeTimeoutMs: timeoutMs });
  try {
    const { fetchToken } = target;
    return await examine({ connector, src: url, fetchToken, isTokenKnown: true, pageFaults, timeoutMs }, violations);
  } finally {
    violations.stop();
    connector.destroy();
  }
}

const DEFAULT_TIMEOUT_MS = 10_000;

function isConnector(target: Connector | ConnectOptions): target is Connector {
  return "request" in target;
}
