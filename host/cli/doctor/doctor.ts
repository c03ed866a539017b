/** The command `doctor`: finds the faults that keep the bridge of a page from working. */

import { isToken, TOKEN_EXPECTED } from "../../../shared/protocol/token.ts";
import { createReport, type Finding, type FindingCode, type Report } from "../../doctor/finding.ts";
import { type Command, parseArguments, UsageError } from "../command.ts";
import { type BrowserName, openBrowser } from "../open-browser.ts";
import { examinePage } from "./examine-page.ts";
import { examineWidget } from "./examine-widget.ts";

const OPTIONS = {
  token: "string",
  json: "boolean",
  browser: "string",
  "browser-path": "string",
  "accept-certificates": "boolean",
} as const;

const BROWSERS: readonly BrowserName[] = ["chromium", "firefox"];

const HELP = `Usage: availability-bridge doctor <page-url> <widget-url> [OPTIONS]

Opens the page in a browser, connects from it to the widget, asks the gateway for an agent, and prints what keeps them from working:
a sentence for each finding, with the header, attribute or setting to change.

  <page-url>    a page that has or will have the bridge, such as https://crm.example.com/contacts
  <widget-url>  the widget's address, such as https://widget.example.com/widget/

Options:
  --token TOKEN           the token that the page would give. It is sent to the gateway and the widget, and never printed
  --json                  print { page, widget, isHealthy, findings: [{ code, severity, message, change }] }
  --browser NAME          chromium (default) or firefox
  --browser-path PATH     the browser's executable
  --accept-certificates   open the page also if its certificate is not valid, as on a test system

Exit code: 0 if nothing is wrong, 1 with findings, 2 for wrong arguments or a missing browser.`;

/** The command `doctor`. */
export const doctor: Command = {
  summary: "says what keeps the bridge of a page from working",
  help: HELP,
  async run(args, { print }) {
    const { options, positionals } = parseArguments(args, OPTIONS);
    const [pageText, widgetText, ...others] = positionals;
    if (pageText === undefined || widgetText === undefined || others.length) {
      const given = positionals.length === 1 ? "1 address" : `${positionals.length} addresses`;
      throw new UsageError(`doctor: expected <page-url> and <widget-url>, not ${given}`);
    }
    const page = parseAddress("page-url", pageText);
    const widget = parseAddress("widget-url", widgetText);
    if (widget.pathname.endsWith(".js")) {
      throw new UsageError("<widget-url>: expected the widget's address, ending in /widget/, and not the script's");
    }
    const { token, browser: name = "chromium" } = options;
    if (token !== undefined && !isToken(token)) throw new UsageError(`--token: expected ${TOKEN_EXPECTED}`);
    const browserName = BROWSERS.find((each) => each === name);
    if (!browserName) throw new UsageError(`--browser: expected ${BROWSERS.join(" or ")}`);
    const browser = await openBrowser({ browser: browserName, executablePath: options["browser-path"] });
    try {
      const shown = await examinePage(browser, page, widget, token, options["accept-certificates"] ?? false);
      const origin = shown.page?.origin ?? page.origin;
      const examined = shown.page ?? { origin, headers: {}, atSeconds: Date.now() / 1_000 };
      const report = merge(await examineWidget(widget, examined, token), shown.findings, shown.isConnected);
      const { isHealthy, findings } = report;
      if (options.json) {
        print(JSON.stringify({ page: withoutQuery(page), widget: withoutQuery(widget), isHealthy, findings }, null, 2));
      } else print(describe(report, page, widget));
      return isHealthy ? 0 : 1;
    } finally {
      await browser.close();
    }
  },
};

/** Codes of a page's findings with several possible causes. */
const VAGUE: readonly FindingCode[] = [
  "no-widget",
  "widget-unreachable",
  "token-missing",
  "token-refused",
  "gateway-unreachable",
];

/** Codes of the process's findings about a server which the browser may reach, by certificates or a proxy of the browser. */
const OF_THIS_PROCESS: readonly FindingCode[] = ["tls-error", "gateway-unreachable"];

/** Joins the findings of the process and of the browser: of two about a fault the more exact finding stays. */
function merge(own: readonly Finding[], shown: readonly Finding[], isConnected: boolean): Report {
  const kept = own.filter(({ code }) => !isConnected || !OF_THIS_PROCESS.includes(code));
  const codes = new Set(kept.map(({ code }) => code));
  const isExplained = [...kept, ...shown].some(({ code, severity }) => severity === "error" && !VAGUE.includes(code));
  const further = shown.filter(({ code }) => {
    if (codes.has(code)) return false;
    return !VAGUE.includes(code) || !(isExplained || kept.some(({ severity }) => severity === "error"));
  });
  return createReport([...kept, ...further]);
}

function describe({ isHealthy, findings }: Report, page: URL, widget: URL): string {
  return [
    `Page    ${withoutQuery(page)}`,
    `Widget  ${withoutQuery(widget)}`,
    "",
    ...findings.flatMap(({ code, severity, message }) => [`${severity}: ${message} (${code})`, ""]),
    isHealthy
      ? "The widget and its gateway answer this page. Nothing is wrong."
      : "docs/doctor.md in the folder of the package availability-bridge has more about each finding.",
  ].join("\n");
}

/** Parses an address. The message has no part of the text, which may contain a password. */
function parseAddress(name: string, text: string): URL {
  try {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  } catch {
    // The error below covers text that is not an address, too.
  }
  throw new UsageError(`<${name}>: expected an absolute http(s) address without credentials`);
}

/** A query may hold a secret. */
function withoutQuery({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
