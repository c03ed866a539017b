/** The command `doctor`: says what keeps the bridge of a page from working. */
import { type Command, parseArguments, UsageError } from "../command.ts";
import { openBrowser } from "../open-browser.ts";

const OPTIONS = { "browser-path": "string", firefox: "boolean", json: "boolean" } as const;

/** The command `doctor`. */
export const doctor: Command = {
  summary: "says what keeps the bridge of a page from working",
  help: "Usage: availability-bridge doctor <page-url> <widget-url> [OPTIONS]",
  async run(args, { print }) {
    const { options, positionals } = parseArguments(args, OPTIONS);
    const [page, widget, ...others] = positionals;
    if (!page || !widget || others.length) throw new UsageError("doctor: expected a page's address and a widget's");
    const browser = await openBrowser({
      browser: options.firefox ? "firefox" : "chromium",
      executablePath: options["browser-path"],
    });
    try {
      const tab = await browser.newPage();
      const response = await tab.goto(page);
      print(`${page}: status ${response?.status()}`);
    } finally {
      await browser.close();
    }
    return 0;
  },
};
