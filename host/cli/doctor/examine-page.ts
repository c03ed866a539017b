/** Opens the page in a browser, and lets the page's own doctor connect from it. */

import type { Browser, Page, Request, Response } from "playwright-core";
import * as v from "valibot";
import { createFinding, type Finding, type FindingCode, SEVERITIES } from "../../doctor/finding.ts";
import { findPolicyFaults, type PolicyViolation } from "../../doctor/policy-faults.ts";
import { describeScript } from "../../doctor/script-faults.ts";
import type { ExaminedPage } from "./examine-widget.ts";
import { get } from "./http.ts";

/** The doctor of the page as a script, which the build writes: it leaves a variable `bundled` with the functions of `host/doctor.ts`. */
declare const DOCTOR_PAGE: string;

/** Result of the browser's part. */
export interface PageExamination {
  /** `undefined` if the page was not loaded. */
  readonly page: ExaminedPage | undefined;
  readonly findings: readonly Finding[];
  /** True if a widget has connected to the page and the gateway has answered it. */
  readonly isConnected: boolean;
}

/** Maximum wait for the page, in milliseconds. */
const PAGE_MS = 30_000;

/** Maximum wait for everything that the page loads, in milliseconds. */
const LOAD_MS = 10_000;

/** Wait for the page's own scripts after its load, in milliseconds. */
const SETTLE_MS = 1_000;

/** Maximum wait of the page's doctor for the widget, in milliseconds. */
const WIDGET_MS = 5_000;

/** Maximum number of scripts of the page that are requested again. */
const MAX_SCRIPTS = 5;

const SCRIPT_NAME = /\/embed(?:-[\w.-]+)?\.js$/;

/** Names of the command's variables in the page. */
const VIOLATIONS = "availability-bridge.doctor.violations";
const DIAGNOSE = "availability-bridge.doctor.diagnose";

/** Line of the widget's frame in the console. */
const STORAGE_DENIED = "availability-bridge doctor: the storage is denied";

/** Examines the page. The token goes to the page's doctor, and from there to the widget alone. */
export async function examinePage(
  browser: Browser,
  address: URL,
  widget: URL,
  token: string | undefined,
  acceptsCertificates: boolean,
): Promise<PageExamination> {
  const context = await browser.newContext({ ignoreHTTPSErrors: acceptsCertificates });
  const tab = await context.newPage();
  const observed = await observeTab(tab, widget);
  let response: Response | null;
  try {
    response = await openPage(tab, address);
  } catch (error) {
    return { page: undefined, findings: [explainNoPage(address, error)], isConnected: false };
  }
  const page: ExaminedPage = {
    origin: await tab.evaluate(() => window.origin),
    headers: (await response?.allHeaders()) ?? {},
    atSeconds: observed.openedAtSeconds(),
  };
  const status = response?.status() ?? 200;
  const shown = await diagnoseIn(tab, widget, token);
  const origins = { page: page.origin, widget: widget.origin, token: await tab.evaluate(readTokenOrigin) };
  const policyFaults = findPolicyFaults(await readViolations(tab), origins);
  const scripts = observed.scripts().slice(0, MAX_SCRIPTS);
  const findings = [
    ...(status >= 400 ? [explainPageStatus(address, status)] : []),
    ...(await examineScripts(scripts, page, acceptsCertificates)),
    ...policyFaults,
    ...findNetworkFaults(observed.failed, widget),
    ...shown,
    ...(observed.isStorageDenied() ? [explainDeniedStorage()] : []),
  ];
  await context.close();
  return { page, findings, isConnected: !shown.some(({ severity }) => severity === "error") };
}

/** Reports of the browser about a tab. */
interface Observations {
  /** Addresses of scripts from the widget's origin, and of all with the script's name. */
  scripts(): readonly string[];
  readonly failed: readonly Request[];
  isStorageDenied(): boolean;
  /** Time of the page's own answer by the clock of this process, in seconds since 1970. */
  openedAtSeconds(): number;
}

async function observeTab(tab: Page, widget: URL): Promise<Observations> {
  const scripts = new Set<string>();
  const failed: Request[] = [];
  let isStorageDenied = false;
  let openedAtMs: number | undefined;
  tab.on("console", (message) => {
    isStorageDenied ||= message.text() === STORAGE_DENIED;
  });
  tab.on("requestfailed", (request) => failed.push(request));
  tab.on("response", () => {
    openedAtMs ??= Date.now();
  });
  tab.on("request", (request) => {
    const url = new URL(request.url());
    const isWidgets = url.origin === widget.origin && !url.pathname.startsWith(widget.pathname);
    if (request.resourceType() === "script" && (isWidgets || SCRIPT_NAME.test(url.pathname))) scripts.add(url.href);
  });
  await tab.addInitScript(recordViolations, VIOLATIONS);
  await tab.addInitScript(reportDeniedStorage, [widget.origin, STORAGE_DENIED] as const);
  return {
    scripts: () => [...scripts],
    failed,
    isStorageDenied: () => isStorageDenied,
    openedAtSeconds: () => (openedAtMs ?? Date.now()) / 1_000,
  };
}

/** Opens the page, and gives its own scripts time to load the bridge. A page may load for longer, as with a picture that does not come. */
async function openPage(tab: Page, address: URL): Promise<Response | null> {
  const response = await tab.goto(address.href, { waitUntil: "domcontentloaded", timeout: PAGE_MS });
  await tab.waitForLoadState("load", { timeout: LOAD_MS }).catch(() => {});
  await tab.waitForTimeout(SETTLE_MS);
  return response;
}

/** Runs in the page, before its own scripts. */
function recordViolations(name: string): void {
  const list: PolicyViolation[] = [];
  Object.assign(globalThis, { [name]: list });
  document.addEventListener("securitypolicyviolation", (violation) => {
    const { blockedURI, disposition, effectiveDirective, originalPolicy, sample } = violation;
    list.push({ blockedURI, disposition, effectiveDirective, originalPolicy, sample });
  });
}

/** Runs in the page. Returns the origin of the address in `data-token-url`. */
function readTokenOrigin(): string | undefined {
  const address = document.querySelector<HTMLElement>("script[data-token-url]")?.dataset["tokenUrl"];
  try {
    return address === undefined ? undefined : new URL(address, location.href).origin;
  } catch {
    return undefined;
  }
}

/** Violations that have crossed the page. */
const Violations = v.array(
  v.object({
    blockedURI: v.string(),
    disposition: v.picklist(["enforce", "report"]),
    effectiveDirective: v.string(),
    originalPolicy: v.string(),
    sample: v.string(),
  }),
);

async function readViolations(tab: Page): Promise<readonly PolicyViolation[]> {
  const list: unknown = await tab.evaluate((name) => Reflect.get(globalThis, name), VIOLATIONS);
  const parsed = v.safeParse(Violations, list);
  return parsed.success ? parsed.output : [];
}

/** Lets the page's doctor connect from the page. By the driver's own evaluation, which no policy of the page forbids. */
async function diagnoseIn(tab: Page, widget: URL, token: string | undefined): Promise<readonly Finding[]> {
  await tab.evaluate(
    `(() => { ${DOCTOR_PAGE}; Object.assign(globalThis, { ${JSON.stringify(DIAGNOSE)}: bundled.diagnose }); })()`,
  );
  const report: unknown = await tab.evaluate(
    ([name, src, timeoutMs, given]) => {
      const fetchToken = given === undefined ? undefined : () => given;
      return Reflect.get(globalThis, name)({ src, ...(fetchToken && { fetchToken }) }, { timeoutMs });
    },
    [DIAGNOSE, widget.href, WIDGET_MS, token] as const,
  );
  return v.parse(PageReport, report).findings;
}

/** A text of a finding. A message may hold a directive of the page's policy, with all its sources. */
const Text = v.pipe(v.string(), v.maxLength(100_000));

/** A report that has crossed the page, whose scripts may have changed everything. */
const PageReport = v.object({
  findings: v.array(
    v.object({
      code: v.picklist(Object.keys(SEVERITIES) as FindingCode[]),
      severity: v.picklist(["error", "warning", "note"]),
      message: Text,
      change: v.exactOptional(
        v.object({
          of: v.picklist(["page", "script tag", "iframe", "token", "gateway", "proxy"]),
          name: Text,
          value: v.exactOptional(Text),
        }),
      ),
    }),
  ),
});

/** Requests the page's scripts again: a browser shows a page neither status nor headers. */
async function examineScripts(
  addresses: readonly string[],
  page: ExaminedPage,
  acceptsCertificates: boolean,
): Promise<readonly Finding[]> {
  const faults = await Promise.all(
    addresses.map(async (address) => {
      const url = new URL(address);
      const answer = await get(url);
      if (!answer.isReached) return acceptsCertificates && answer.isTls ? [] : [explainNoScript(url, answer.reason)];
      const described = describeScript(url, answer.status, answer.headers.get("content-type"));
      return described.length ? described : examineScriptIsolation(url, page, answer.headers);
    }),
  );
  return faults.flat();
}

function explainNoScript({ origin, pathname }: URL, reason: string): Finding {
  return createFinding(
    "gateway-unreachable",
    `Nothing answers at the script's address ${origin}${pathname} (${reason}). Start the gateway, or correct src of the script tag`,
    { of: "script tag", name: "src" },
  );
}

function examineScriptIsolation({ origin, pathname }: URL, page: ExaminedPage, headers: Headers): readonly Finding[] {
  const isIsolated = /^require-corp\b/.test(page.headers["cross-origin-embedder-policy"] ?? "");
  if (!isIsolated || headers.get("cross-origin-resource-policy") === "cross-origin") return [];
  return [
    createFinding(
      "embedder-policy",
      `This page has Cross-Origin-Embedder-Policy: require-corp, and the script ${origin}${pathname} lacks Cross-Origin-Resource-Policy: cross-origin, which the gateway sends: a proxy has removed the header. Pass the header on`,
      { of: "proxy", name: "Cross-Origin-Resource-Policy", value: "cross-origin" },
    ),
  ];
}

/** Browsers' names for a request that the rules for the local network have stopped. */
const LOCAL_NETWORK = /LOCAL_NETWORK|PRIVATE_NETWORK/;

function findNetworkFaults(failed: readonly Request[], { origin }: URL): readonly Finding[] {
  const isLocal = failed.some(
    (request) => new URL(request.url()).origin === origin && LOCAL_NETWORK.test(request.failure()?.errorText ?? ""),
  );
  if (!isLocal) return [];
  return [
    createFinding(
      "local-network",
      `The browser does not let this page reach ${origin}, which is in the local network. Allow Local network access in the site's settings, to the left of the address`,
      { of: "page", name: "local-network-access", value: "granted" },
    ),
  ];
}

/** Runs in each frame. The widget's own frame reports storage that the browser denies it, as the widget reports other faults. */
function reportDeniedStorage([origin, line]: readonly [string, string]): void {
  if (location.origin !== origin || parent === window) return;
  try {
    localStorage.getItem("");
  } catch {
    console.info(line);
  }
}

function explainDeniedStorage(): Finding {
  return createFinding(
    "shared-worker-denied",
    "This browser denies the widget its storage, and with it a shared worker, so that each visible tab has a stream of its own. Nothing has to be done, unless more than six pages are visible at once; allow third-party storage for the widget's site then",
  );
}

function explainNoPage({ origin, pathname }: URL, error: unknown): Finding {
  const [reason = ""] = /net::\w+|NS_ERROR_\w+|SSL_ERROR_\w+|Timeout/.exec(String(Object(error).message)) ?? [];
  return createFinding(
    "page-unreachable",
    `The browser does not open the page ${origin}${pathname}${reason && ` (${reason})`}. Open the page's address in a tab, and correct it`,
  );
}

function explainPageStatus({ origin, pathname }: URL, status: number): Finding {
  return createFinding(
    "page-unreachable",
    `The page ${origin}${pathname} answers with status ${status}, so that another page was examined. Give the address of a page that opens without a sign-in`,
  );
}
