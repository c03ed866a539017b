// @ts-check
/**
 * `npm run test:browsers`: compares the built files with MDN's data on the oldest supported browsers, and uses the built product in Chromiums of past
 * years, which npm packages carry. The page itself reports what it has seen, because the drivers of today no longer speak to such browsers.
 * Needs a build. The Chromiums are for Linux on x64.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { brotliDecompressSync } from "node:zlib";
import { findBrowsers } from "../../scripts/testing/browsers.mjs";
import { servePageWithGateway } from "../../scripts/testing/page-with-gateway.mjs";
import { findNewerFeatures } from "./features.mjs";

/** Packages with a Chromium. */
const CHROMIUMS = { "Chromium 92": "chrome-aws-lambda@10.1.0", "Chromium 112": "@sparticuz/chromium@112.0.2" };

/** MDN's data: which version of each browser has which interface. */
const COMPATIBILITY_DATA = "@mdn/browser-compat-data@8.1.9";

/** What the page sees in every browser. */
const EXPECTED = {
  answer: "available",
  failure: "RejectedError 404",
  seen: ["available", "out_for_lunch"],
  uncaught: ["Uncaught Error: of the page"],
  badge: "do_not_disturb: Out for lunch",
};

const cache = fileURLToPath(new URL("../../node_modules/.cache/browsers/", import.meta.url));
const html = readFileSync(new URL("page.html", import.meta.url), "utf8");

const newer = findNewerFeatures(install("compatibility", COMPATIBILITY_DATA));
console.log(`Interfaces that an oldest browser lacks: ${newer.length ? "some are not known" : "all are known"}`);
if (newer.length > 0) {
  console.error(newer.join("\n"));
  process.exitCode = 1;
}

// Libraries that a machine without a browser of its own lacks.
const environment = findBrowsers().find(({ kind }) => kind === "bundled")?.environment;
const chromiums = process.platform === "linux" && process.arch === "x64" ? Object.entries(CHROMIUMS) : [];
if (chromiums.length === 0) console.log(`No old Chromium for ${process.platform} on ${process.arch}`);
for (const [name, specifier] of chromiums) {
  const start = performance.now();
  const report = await usePage(unpack(name, specifier));
  // A signal of Chromium 92 has no reason.
  const works = isDeepStrictEqual(report, {
    ...EXPECTED,
    abortedBy: name === "Chromium 92" ? "ABORTED" : "AbortError",
  });
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(`${name}: ${works ? "works" : "fails"}, ${seconds} s`);
  if (works) continue;
  console.error(report);
  process.exitCode = 1;
}

/**
 * Installs the package into the cache, and unpacks its browser once.
 *
 * @param {string} name
 * @param {string} specifier
 */
function unpack(name, specifier) {
  const folder = path.join(cache, name);
  const executable = path.join(folder, "chromium");
  if (existsSync(executable)) return executable;
  install(name, specifier);
  const packed = readFileSync(
    path.join(folder, "node_modules", specifier.slice(0, specifier.lastIndexOf("@")), "bin/chromium.br"),
  );
  writeFileSync(`${executable}.part`, brotliDecompressSync(packed), { mode: 0o755 });
  renameSync(`${executable}.part`, executable);
  return executable;
}

/**
 * Installs a package into a folder of the cache, unless it is there, and returns the folder.
 *
 * @param {string} name of the folder
 * @param {string} specifier
 */
function install(name, specifier) {
  const folder = path.join(cache, name);
  const installed = path.join(folder, "installed.txt");
  if (existsSync(installed) && readFileSync(installed, "utf8") === specifier) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{ "private": true }');
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"];
  execFileSync("npm", ["install", ...options, specifier], { cwd: folder, stdio: "ignore" });
  writeFileSync(installed, specifier);
  return folder;
}

/**
 * Opens the page in a browser, changes the agent when the page's watch is live, and returns what the page reports.
 *
 * @param {string} executable
 * @returns {Promise<unknown>}
 */
async function usePage(executable) {
  /** @type {(report: unknown) => void} */
  let finish = () => {};
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const { site, gateway, mintToken, setStatus, close } = await servePageWithGateway((request, response) => {
    void answer(request, response);
  });
  const profile = mkdtempSync(path.join(tmpdir(), "browser-"));
  const options = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
  ];
  const browser = spawn(executable, [...options, "--site-per-process", `--user-data-dir=${profile}`, `${site}/`], {
    stdio: "ignore",
    env: { ...process.env, ...environment },
  });
  browser.once("exit", (code) => finish({ error: `the browser ended with ${code}` }));

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async function answer(request, response) {
    const { url = "" } = request;
    if (url === "/") response.setHeader("content-type", "text/html").end(html.replaceAll("GATEWAY", gateway));
    else if (url === "/token") response.end(JSON.stringify({ token: await mintToken() }));
    else if (url === "/report/live") {
      await setStatus("out_for_lunch");
      response.end();
    } else if (url.startsWith("/report/")) {
      finish(await json(request));
      response.end();
    } else response.end();
  }

  try {
    return await finished;
  } finally {
    const exited = browser.exitCode === null ? once(browser, "exit") : undefined;
    browser.kill("SIGKILL");
    await exited;
    await close();
    rmSync(profile, { recursive: true, force: true });
  }
}
