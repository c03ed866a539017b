/** Examines a connector of the page: waits for the widget, requests an agent, and explains the failure. */
import { isBusError } from "../../shared/protocol/errors.ts";
import { isToken } from "../../shared/protocol/token.ts";
import { readOrigin } from "../connection/diagnosis.ts";
import type { Connector } from "../connector.ts";
import type { FetchToken } from "../token/token-provider.ts";
import { createApiNotPassed, createFinding, createReport, type Finding, type Report } from "./finding.ts";

import { findPolicyFaults, type PolicyViolation } from "./policy-faults.ts";
import { findScriptFaults } from "./script-faults.ts";
import { createTimeout } from "./timeout.ts";
import { createTokenMissing, explainForbidden, explainRefusal, isAboutToken } from "./token-faults.ts";

/** Subject of an examination. */
export interface Subject {
  readonly connector: Connector;
  /** The widget's address. `undefined` if none is known, so that the connector's own words are the finding. */
  readonly src: URL | undefined;
  /** The page's function that returns a token. `undefined` if the page gives none. */
  readonly fetchToken: FetchToken | undefined;
  /** False if the doctor does not know whether the page gives tokens, as with a connector of the page. */
  readonly isTokenKnown: boolean;
  /** The address in `data-token-url`. */
  readonly tokenAddress?: URL | undefined;
  /** Faults of the page from before the connection. */
  readonly pageFaults: readonly Finding[];
  /** Maximum wait for the widget, and then for the gateway, in milliseconds. */
  readonly timeoutMs: number;
}

/** The agent whose availability is asked for. Whether there is such an agent does not matter: the gateway answers either way. */
const USER_ID = 1;

/** Wait for the reports of violations after a failure, in milliseconds. */
const REPORT_MS = 500;

/** Names of the permission for the local network in releases of Chromium. */
const LOCAL_NETWORK_PERMISSIONS = ["local-network-access", "loopback-network", "local-network"];

/** Host names of the local network and of the computer. A public name may have an address there as well, which a page cannot see. */
const LOCAL_HOST =
  /^(?:[^.:]+|\[(?:::1|f[cde].*)\]|.*\.(?:localhost|local|internal|lan|home\.arpa)|127\..*|10\..*|192\.168\..*|172\.(?:1[6-9]|2\d|3[01])\..*)$/;

/** Examines a connector. */
export async function examine(subject: Subject, violations: Violations): Promise<Report> {
  const { src, pageFaults, tokenAddress } = subject;
  const connectionFaults = await examineConnection(subject, violations);
  const scriptFaults = await findScriptFaults();
  // Browsers report a violation in a later task than the failure of the request.
  if (connectionFaults.length) await new Promise((resolve) => setTimeout(resolve, REPORT_MS));
  violations.stop();
  const policyFaults = src
    ? findPolicyFaults(violations.list, { page: readOrigin(), widget: src.origin, token: tokenAddress?.origin })
    : [];
  const known = [...pageFaults, ...policyFaults, ...scriptFaults];
  // What the page knows for sure explains why no widget answers, or why there is no token.
  const isExplained = known.some(({ severity }) => severity === "error");
  return createReport([...known, ...connectionFaults.filter((fault) => !isExplained || !isVague(fault))]);
}

/** True for a finding that only says that nothing has come. */
function isVague({ code }: Finding): boolean {
  return code === "no-widget" || code === "widget-unreachable" || code === "token-unavailable";
}

async function examineConnection(subject: Subject, violations: Violations): Promise<readonly Finding[]> {
  const { connector, src, timeoutMs } = subject;
  try {
    const payload = { variables: { userId: USER_ID } };
    await connector.request("API.FETCH_USER_AVAILABILITY", payload, { timeoutMs, signal: violations.signal });
    return [];
  } catch (error) {
    // The policy forbids the iframe: nothing will come.
    if (violations.signal.aborted) return [];
    if (!isBusError(error)) throw error;
    const { code, status, message } = error;
    if (code === "WIDGET_UNAVAILABLE" || code === "CONNECTION_CLOSED") {
      return src ? [await explainNoWidget(src)] : [createFinding("no-widget", message)];
    }
    if (code === undefined) return explainStatus(subject, status, Object(error.error).detail);
    if (code === "TOKEN_UNAVAILABLE") return [await explainNoToken(subject)];
    if (code === "BACKEND_UNREACHABLE" || code === "BACKEND_TIMEOUT" || code === "TIMEOUT") {
      return [
        createFinding(
          "gateway-unreachable",
          `The widget is loaded, and the gateway does not answer its request${src ? ` below ${src.origin}` : ""}. Start the gateway, and see whether a proxy passes /v1/ on to it`,
          { of: "proxy", name: "/v1/" },
        ),
      ];
    }
    return [createFinding("backend-error", `The widget rejects a request for an agent with ${code}: ${message}`)];
  }
}

async function explainStatus(
  subject: Subject,
  status: number | undefined,
  detail: unknown,
): Promise<readonly Finding[]> {
  // The gateway says that there is no such agent.
  if (status === 404) return typeof detail === "string" ? [] : [createApiNotPassed(subject.src?.origin, status)];
  if (status === 401 && !isAboutToken(detail) && typeof detail === "string") {
    return [
      createFinding(
        "backend-error",
        "The gateway answers with status 401 for another reason than the token: the telephony system rejects the gateway's own credentials. Tell the vendor",
      ),
    ];
  }
  if (status === 401) return explainUnauthorized(subject);
  if (status === 403) return [explainForbidden(detail)];
  return [
    createFinding(
      "backend-error",
      `The gateway answers with status ${status}: the gateway or the telephony system is away or overloaded. Wait, or tell the vendor the time and the X-Request-Id of the request to /v1/`,
    ),
  ];
}

async function explainUnauthorized({ fetchToken, isTokenKnown }: Subject): Promise<readonly Finding[]> {
  if (fetchToken) {
    const token = await fetchOwnToken(fetchToken);
    const reference = { nowSeconds: Date.now() / 1_000, clock: "this computer's clock" };
    if (isToken(token)) return explainRefusal(token, reference);
  }
  if (isTokenKnown) return [createTokenMissing()];
  return [
    createFinding(
      "token-refused",
      "The gateway refuses the page's token, or the page gives none. Set data-token-url or fetchToken; if it is set, give diagnose the options of connect, with fetchToken, to read why",
      { of: "script tag", name: "data-token-url" },
    ),
  ];
}

/** Asks the page for a token. Returns the error if there is none. */
async function fetchOwnToken(fetchToken: FetchToken): Promise<unknown> {
  try {
    return await fetchToken({ signal: createTimeout() });
  } catch (error) {
    return error;
  }
}

async function explainNoToken({ fetchToken, tokenAddress }: Subject): Promise<Finding> {
  const given = fetchToken && (await fetchOwnToken(fetchToken));
  // The errors of `data-token-url` have no part of an answer. An error of the page's own function may have.
  const reason =
    tokenAddress && given instanceof Error && given.message.startsWith("data-token-url") ? given.message : "";
  return createFinding(
    "token-unavailable",
    reason || tokenAddress
      ? `The page's address for tokens, ${tokenAddress?.origin}${tokenAddress?.pathname}, gives none${reason && `: ${reason}`}. Answer { "token": "…" } with status 200 there, or correct data-token-url`
      : "The page's function fetchToken gives no token within 5 s, or none of 1 to 8192 characters. The console has its error",
    { of: "script tag", name: "data-token-url" },
  );
}

/** Explains why no widget connects, by a request of the doctor's own: a browser tells a page no more of an iframe of another origin. */
async function explainNoWidget(src: URL): Promise<Finding> {
  const address = `${src.origin}${src.pathname}`;
  if (await isReached(src)) {
    const own = [readOrigin(), ...(window.location.ancestorOrigins ?? [])].join(" and ");
    const isolation = window.crossOriginIsolated
      ? ", that a proxy passes its headers Cross-Origin-Embedder-Policy and Cross-Origin-Resource-Policy on"
      : "";
    return createFinding(
      "no-widget",
      `A server answers at ${address}, and no widget. Check that it is a widget's address, ending in /widget/, that the vendor allows ${own} by ALLOWED_ORIGINS of the gateway${isolation}, and that no proxy adds X-Frame-Options. The command availability-bridge doctor tells which of these it is`,
      { of: "gateway", name: "ALLOWED_ORIGINS", value: own },
    );
  }
  if (await isLocalNetworkDenied(src)) {
    return createFinding(
      "local-network",
      `The browser does not let this page reach ${src.origin}, which is in the local network. Allow Local network access in the site's settings, to the left of the address`,
      { of: "page", name: "local-network-access", value: "granted" },
    );
  }
  return createFinding(
    "widget-unreachable",
    `This page does not reach ${address}. Open the address in a tab. If it fails there as well, the server is down, its name or its certificate is wrong, or the network is away. If it opens, the browser forbids it to this page: an extension blocks it, or the local network is not allowed`,
    { of: "gateway", name: "src", value: address },
  );
}

async function isReached(src: URL): Promise<boolean> {
  try {
    // The address of the customer's page may name a person: the widget's server must not receive it.
    await fetch(src, { mode: "no-cors", referrerPolicy: "no-referrer", signal: createTimeout() });
    return true;
  } catch {
    return false;
  }
}

/** True if the browser asks, or has been told not, to let this page reach the local network. */
async function isLocalNetworkDenied({ hostname }: URL): Promise<boolean> {
  // A server of the internet may be down while the permission is denied.
  if (!LOCAL_HOST.test(hostname)) return false;
  const states = LOCAL_NETWORK_PERMISSIONS.map(async (name) => {
    try {
      return (await navigator.permissions.query({ name: name as PermissionName })).state;
    } catch {
      // The browser does not know the name.
      return "granted";
    }
  });
  return (await Promise.all(states)).includes("denied");
}

/** Violations of the page's policy that happen during the examination, and earlier ones that the browser has kept. */
export interface Violations {
  readonly list: readonly PolicyViolation[];
  /** Aborted once the policy has forbidden the widget's iframe. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Starts to collect violations for a widget of the given origin. */
export function collectViolations(widget: string | undefined): Violations {
  const list: PolicyViolation[] = [];
  const controller = new AbortController();
  const learn = (violation: PolicyViolation): void => {
    const { blockedURI, disposition, effectiveDirective, originalPolicy, sample } = violation;
    list.push({ blockedURI, disposition, effectiveDirective, originalPolicy, sample });
    const isFrame = effectiveDirective === "frame-src" && disposition === "enforce";
    if (isFrame && widget && `${blockedURI}/`.startsWith(`${widget}/`)) controller.abort();
  };
  document.addEventListener("securitypolicyviolation", learn);
  const observer = observeEarlier(learn);
  return {
    list,
    signal: controller.signal,
    stop() {
      document.removeEventListener("securitypolicyviolation", learn);
      observer?.disconnect();
    },
  };
}

/** Reads the violations from before. Only some browsers keep them. */
function observeEarlier(learn: (violation: PolicyViolation) => void): ReportingObserver | undefined {
  if (typeof ReportingObserver === "undefined") return undefined;
  const observer = new ReportingObserver(
    (reports) => {
      for (const { body } of reports) {
        const { blockedURL, disposition, effectiveDirective, originalPolicy, sample } = Object(body);
        learn({ blockedURI: `${blockedURL}`, disposition, effectiveDirective, originalPolicy, sample: `${sample}` });
      }
    },
    { buffered: true, types: ["csp-violation"] },
  );
  observer.observe();
  return observer;
}
