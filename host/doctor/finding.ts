/** Findings of the doctor: a stable code, a sentence for people, and the change for machines. */

/**
 * Weight of a finding: with an `error` no agent comes; with a `warning` the bridge works less well; a `note` is about the doctor's browser, and
 * needs no change.
 */
export type Severity = "error" | "warning" | "note";

/** A header, an attribute or a setting to change. */
export interface Change {
  /** Place of the header, attribute or setting. */
  readonly of: "page" | "script tag" | "iframe" | "token" | "gateway" | "proxy";
  /** Name of the header, attribute, claim or setting. */
  readonly name: string;
  /** The value to set or to add. `undefined`: remove the header or attribute. */
  readonly value?: string;
}

/** One finding. */
export interface Finding {
  /** Stable name, for programs. `docs/doctor.md` lists all. */
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Names the fault and the change. Holds no token, and no query of an address. */
  readonly message: string;
  readonly change?: Change;
}

/** Result of an examination. */
export interface Report {
  /** True without an error and without a warning. */
  readonly isHealthy: boolean;
  /** Errors first. */
  readonly findings: readonly Finding[];
}

/** Code of each finding, with its severity. */
export const SEVERITIES = {
  "api-not-passed": "error",
  "backend-error": "error",
  "clock-skew": "error",
  "csp-connect-src": "error",
  "csp-frame-src": "error",
  "csp-script-src": "error",
  "csp-trusted-types": "error",
  "double-load": "warning",
  "embedder-policy": "error",
  "frame-ancestors": "error",
  "gateway-unreachable": "error",
  "local-network": "error",
  "mixed-content": "error",
  "mixed-releases": "warning",
  "no-widget": "error",
  "not-a-widget": "error",
  "origin-not-allowed": "error",
  "page-origin-null": "error",
  "page-unreachable": "error",
  "sandbox-flags": "error",
  "script-wrong-path": "error",
  "shared-worker-denied": "note",
  "stream-buffered": "warning",
  "tls-error": "error",
  "token-claim": "error",
  "token-expired": "error",
  "token-missing": "error",
  "token-refused": "error",
  "token-scope": "error",
  "token-unavailable": "error",
  "widget-unreachable": "error",
  "wrong-path": "error",
  "x-frame-options": "error",
} as const satisfies Readonly<Record<string, Severity>>;

/** Stable name of a kind of finding. */
export type FindingCode = keyof typeof SEVERITIES;

/** Creates a finding. The message is a sentence without its full stop. */
export function createFinding(code: FindingCode, message: string, change?: Change): Finding {
  return { code, severity: SEVERITIES[code], message: `${message}.`, ...(change && { change }) };
}

/** Creates the finding of a widget whose API answers with a page of another server. */
export function createApiNotPassed(origin = "the widget's origin", status: number): Finding {
  return createFinding(
    "api-not-passed",
    `The widget is loaded, and /v1/ at ${origin} answers with status ${status} and not as the gateway does: a proxy does not pass /v1/ on to the gateway. Pass it on`,
    { of: "proxy", name: "/v1/" },
  );
}

const ORDER: readonly Severity[] = ["error", "warning", "note"];

/** Orders findings, errors first, and keeps one of several with the same message. */
export function createReport(findings: readonly Finding[]): Report {
  const messages = new Set<string>();
  const different = findings.filter(({ message }) => messages.size < messages.add(message).size);
  const ordered = ORDER.flatMap((severity) => different.filter((finding) => finding.severity === severity));
  return { isHealthy: ordered.every(({ severity }) => severity === "note"), findings: ordered };
}
