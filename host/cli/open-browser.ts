/** Opens an installed browser for a command. Downloads nothing. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, LaunchOptions } from "playwright-core";
import { CommandError } from "./command.ts";

/** A browser that a command can open. */
export type BrowserName = "chromium" | "firefox";

/** Choice of a browser. */
export interface BrowserChoice {
  readonly browser: BrowserName;
  /** Path of the executable. @default the browser of Playwright, or one in the usual places */
  readonly executablePath?: string | undefined;
  /** Further arguments of the browser's command line. */
  readonly args?: readonly string[];
}

/** Packages with playwright-core's functions: a project that tests with Playwright has one of the others. */
const DRIVERS = ["playwright-core", "playwright", "@playwright/test"];

const { platform, env } = process;

/** Usual places of installed browsers. */
const PLACES: Readonly<Record<BrowserName, Partial<Record<NodeJS.Platform, readonly string[]>>>> = {
  chromium: {
    linux: [
      "/usr/bin/chromium",
      "/usr/bin/chromium-browser",
      "/usr/bin/google-chrome-stable",
      "/usr/bin/google-chrome",
      "/usr/bin/microsoft-edge",
      "/snap/bin/chromium",
    ],
    darwin: [
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
      "/Applications/Chromium.app/Contents/MacOS/Chromium",
      "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ],
    win32: [
      `${env["PROGRAMFILES"]}\\Google\\Chrome\\Application\\chrome.exe`,
      `${env["PROGRAMFILES(X86)"]}\\Google\\Chrome\\Application\\chrome.exe`,
      `${env["PROGRAMFILES(X86)"]}\\Microsoft\\Edge\\Application\\msedge.exe`,
    ],
  },
  firefox: {
    linux: ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/snap/bin/firefox"],
    darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
    win32: [
      `${env["PROGRAMFILES"]}\\Mozilla Firefox\\firefox.exe`,
      `${env["PROGRAMFILES(X86)"]}\\Mozilla Firefox\\firefox.exe`,
    ],
  },
};

/** Names of the browsers for people. */
const TITLES: Readonly<Record<BrowserName, string>> = { chromium: "Chrome, Edge or Chromium", firefox: "Firefox" };

/**
 * Opens a headless browser. The caller closes the browser.
 *
 * @throws {CommandError} without a driver or a browser, or when the browser does not start; the message says what to install.
 */
export async function openBrowser({ browser, executablePath, args = [] }: BrowserChoice): Promise<Browser> {
  const driver = await importDriver();
  const own = driver[browser];
  const downloaded = own.executablePath();
  if (executablePath !== undefined && !existsSync(executablePath)) {
    throw new CommandError(`--browser-path: expected the path of a browser, and ${executablePath} does not exist`);
  }
  const installed = executablePath ?? PLACES[browser][platform]?.find((place) => existsSync(place));
  if (!installed && !existsSync(downloaded)) {
    throw new CommandError(
      `No browser was found. Install ${TITLES[browser]}, run \`npx playwright install ${browser}\`, or give its path by --browser-path`,
    );
  }
  const features = browser === "chromium" ? [`--disable-features=${FEATURES_OFF.join()}`] : [];
  const options: LaunchOptions = { args: [...features, ...args] };
  // An installed Firefox speaks WebDriver BiDi. Playwright's own driver needs Playwright's own build.
  if (installed) Object.assign(options, { executablePath: installed, ...(browser === "firefox" && FIREFOX) });
  let opened: Browser | undefined;
  try {
    opened = await own.launch(options);
    // A browser that the driver is too new or too old for starts, and opens no page.
    await (await opened.newPage()).close();
    return opened;
  } catch (error) {
    await opened?.close();
    const [reason] = String(Object(error).message).split("\n", 1);
    throw new CommandError(
      `The browser ${installed ?? downloaded} does not open a page: ${reason}. Update the browser, or install the playwright-core of its time`,
    );
  }
}

const FIREFOX: LaunchOptions = { channel: "moz-firefox" };

/**
 * Features that Playwright switches off, without `ThirdPartyStoragePartitioning`: if the feature is off, Chromium denies an iframe of a foreign site
 * the storage of users' browsers. The last list of a command line replaces earlier lists.
 */
const FEATURES_OFF = [
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "MediaRouter",
  "OptimizationHints",
  "PaintHolding",
  "Translate",
];

/** Imports the driver: beside this package, or of the project in the working directory. */
async function importDriver(): Promise<typeof import("playwright-core")> {
  const require = createRequire(path.join(process.cwd(), "package.json"));
  for (const name of DRIVERS) {
    try {
      return await importModule(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    try {
      return await importModule(pathToFileURL(require.resolve(name)).href);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  throw new CommandError(
    "This command opens a browser, and needs the package playwright-core for that. In a project: npm install --save-dev playwright-core. " +
      "Without one: npx -p availability-bridge -p playwright-core availability-bridge …",
  );
}

/** Imports a CommonJS module, whose functions may be those of the default export alone. */
async function importModule(name: string): Promise<typeof import("playwright-core")> {
  const module = await import(name);
  return module.chromium ? module : module.default;
}

function isMissing(error: unknown): boolean {
  return ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(Object(error).code);
}
