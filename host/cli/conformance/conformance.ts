/** The command `conformance`: tries a foreign widget or a foreign page against the protocol. */
import type { Browser } from "playwright-core";
import { type Command, CommandError, parseArguments, UsageError } from "../command.ts";
import { openBrowser } from "../open-browser.ts";
import { checkHost } from "./check-host.ts";
import { checkWidget } from "./check-widget.ts";
import { createFilter } from "./chosen-rules.ts";
import { hostRules } from "./host-rules.ts";
import { isConforming, type Report, toJson, toTable } from "./report.ts";
import { readVectors, type VectorFile } from "./vectors.ts";
import { createWidgetRules } from "./widget-rules/index.ts";

const OPTIONS = {
  "browser-path": "string",
  click: "string",
  direct: "boolean",
  embeds: "string",
  firefox: "boolean",
  host: "string",
  json: "boolean",
  only: "string",
  origin: "string",
  token: "string",
  widget: "string",
} as const;

type Options = ReturnType<typeof parseArguments<typeof OPTIONS>>["options"];

/** Origin of the kit's page: a widget that is tried has to allow it. */
const DEFAULT_ORIGIN = "http://localhost:4400";

/** Address of the kit's widget: a page that is tried has to embed it. */
const DEFAULT_EMBEDS = "http://127.0.0.1:4401/widget/";

/** Exit codes with and without broken musts. Wrong arguments and an unreachable address are `CommandError`s. */
const EXIT_CONFORMS = 0;
const EXIT_BROKEN = 1;

const HELP = `Usage: availability-bridge conformance (--widget URL | --host URL) [OPTIONS]

Tries somebody else's widget, or somebody else's page, against docs/protocol.md in a real browser.
Exits with 0 if every "must" holds, with 1 if one is broken, with 2 for wrong arguments or an unreachable address.

  --widget URL         the widget's document; the kit is the page around it
  --origin ORIGIN      origin of the kit's page, which the widget has to allow (default ${DEFAULT_ORIGIN})
  --token TOKEN        what the kit's page gives as its token
  --direct             loads the widget from its own address, with its own backend; skips what needs the kit's

  --host URL           the page; the kit is the widget in its iframe
  --embeds URL         address of the widget that the page embeds (default ${DEFAULT_EMBEDS})
  --click SELECTOR     what to click so that the page sends a request

  --only ID,ID         tries these rules alone; "vectors/" stands for all that begin so
  --json               prints JSON
  --firefox            uses Firefox
  --browser-path PATH  the browser to use`;

/** The command `conformance`. */
export const conformance: Command = {
  summary: "tries another widget or another page against the protocol",
  help: HELP,
  async run(args, { print, report }) {
    const { options, positionals } = parseArguments(args, OPTIONS);
    const [surplus] = positionals;
    if (surplus !== undefined) throw new UsageError(`${surplus}: expected --widget or --host before an address`);
    if ((options.widget === undefined) === (options.host === undefined)) {
      throw new UsageError("conformance: expected either --widget or --host");
    }
    const { url, progress, run } = readOptions(options);
    await expectReachable(url);
    const browser = await openBrowser({
      browser: options.firefox ? "firefox" : "chromium",
      executablePath: options["browser-path"],
      args: options.firefox ? [] : BROWSER_ARGUMENTS,
    });
    try {
      report(progress);
      const result = await run(browser);
      print(options.json ? toJson(result) : toTable(result));
      return isConforming(result) ? EXIT_CONFORMS : EXIT_BROKEN;
    } finally {
      await browser.close();
    }
  },
};

/**
 * Chromium asks its user before a page of the internet frames a document of this machine: with `--origin` the kit's page is such a page.
 * Root has no sandbox.
 */
const BROWSER_ARGUMENTS = [
  "--disable-features=LocalNetworkAccessChecks",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

/** A run whose arguments are right. */
interface Run {
  /** Address of the widget or of the page. */
  readonly url: URL;
  /** Line for standard error at the start. */
  readonly progress: string;
  readonly run: (browser: Browser) => Promise<Report>;
}

/** Parses the options of one side. @throws {UsageError} for an option of the other side, and for an invalid address. */
function readOptions({ widget, host, origin, token, direct, embeds, click, only }: Options): Run {
  const vectors = (): readonly VectorFile[] => readVectors(new URL("vectors.json", import.meta.url));
  const isChosen = createFilter(only, widget === undefined ? "host" : "widget", {
    // Rules of the vectors alone have a slash in their names.
    widget: createWidgetRules(only?.includes("/") ? vectors() : []).map(({ id }) => id),
    host: hostRules.map(({ id }) => id),
  });
  if (widget !== undefined) {
    rejectOther({ embeds, click }, "--widget");
    const url = parseAddress(widget, "--widget");
    const pageOrigin = origin === undefined ? DEFAULT_ORIGIN : parseOrigin(origin);
    const target = { url, origin: pageOrigin, token, isDirect: direct ?? false };
    return {
      url,
      progress: `Trying the widget ${url.href} as a page of ${pageOrigin}`,
      run: (browser) => checkWidget(browser, { ...target, vectors: vectors() }, isChosen),
    };
  }
  rejectOther({ origin, token, direct }, "--host");
  const url = parseAddress(host ?? "", "--host");
  const target = { url, embeds: parseAddress(embeds ?? DEFAULT_EMBEDS, "--embeds"), click };
  return {
    url,
    progress: `Trying the page ${url.href} as the widget ${target.embeds.href}`,
    run: (browser) => checkHost(browser, { ...target, vectors: vectors() }, isChosen),
  };
}

function rejectOther(others: Readonly<Record<string, unknown>>, side: string): void {
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) throw new UsageError(`--${name}: expected without ${side}`);
  }
}

function parseAddress(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${option}: expected an http or https address, not ${text}`);
  return url;
}

function parseOrigin(text: string): string {
  const url = parseAddress(text, "--origin");
  if (url.origin !== text) throw new UsageError(`--origin: expected an origin such as ${url.origin}, not ${text}`);
  return text;
}

async function expectReachable(url: URL): Promise<void> {
  const response = await fetch(url).catch((error: unknown) => {
    const { cause } = Object(error);
    throw new CommandError(`${url.href} cannot be reached: ${Object(cause).code ?? Object(error).message}`);
  });
  await response.body?.cancel();
  if (!response.ok) throw new CommandError(`${url.href} cannot be reached: it answers with status ${response.status}`);
}
