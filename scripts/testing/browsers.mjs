// @ts-check
/**
 * Finds the browsers for the tests and the benchmarks. Chromium: `CHROMIUM_PATH`, else a Chromium or Chrome on the
 * machine, else the build inside the npm package `@sparticuz/chromium`, which needs neither a download nor root.
 * Firefox and WebKit: the machine's own, if installed.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

/**
 * @typedef {object} Browser
 * @property {"given" | "system" | "bundled"} kind source of the browser
 * @property {string} executablePath
 * @property {Readonly<Record<string, string>>} environment variables to add to the browser's environment
 */

/** One process for each site, as in ordinary browsers: the widget's iframe then runs in another process. */
export const BROWSER_ARGUMENTS = [
  "--site-per-process",
  // Containers and CI run as root and with a small /dev/shm.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  // The browser must not make calls of its own.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-quic",
  "--disable-sync",
];

/** @type {Readonly<Record<string, readonly string[]>>} */
const SYSTEM_PATHS = {
  linux: [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome-stable",
    "/usr/bin/google-chrome",
    "/snap/bin/chromium",
  ],
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  win32: [
    `${process.env["PROGRAMFILES"]}\\Google\\Chrome\\Application\\chrome.exe`,
    `${process.env["PROGRAMFILES(X86)"]}\\Microsoft\\Edge\\Application\\msedge.exe`,
  ],
};

/** @type {Readonly<Record<string, readonly string[]>>} */
const FIREFOX_PATHS = {
  linux: ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/snap/bin/firefox"],
  darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
  win32: [
    `${process.env["PROGRAMFILES"]}\\Mozilla Firefox\\firefox.exe`,
    `${process.env["PROGRAMFILES(X86)"]}\\Mozilla Firefox\\firefox.exe`,
  ],
};

/**
 * Lists every Chromium that can run here, the preferred build first. With `CHROMIUM_PATH`, lists only that build.
 *
 * @returns {[Browser, ...Browser[]]}
 * @throws {Error} if there is no Chromium; the message says how to get one.
 */
export function findBrowsers() {
  const given = readGiven("CHROMIUM_PATH", "a Chromium");
  if (given) return [{ kind: "given", executablePath: given, environment: {} }];
  const system = SYSTEM_PATHS[process.platform]?.find((candidate) => existsSync(candidate));
  const [first, ...others] = [
    ...(system ? [/** @type {Browser} */ ({ kind: "system", executablePath: system, environment: {} })] : []),
    ...unpackBundled(),
  ];
  if (first) return [first, ...others];
  throw new Error(
    `No browser for the tests: install Chromium or Chrome, or set CHROMIUM_PATH to one. The bundled one is for Linux on x64, and this is ${process.platform} on ${process.arch}.`,
  );
}

/**
 * @typedef {object} Engines
 * @property {readonly Browser[]} chromiums
 * @property {string | undefined} firefox path of the executable
 * @property {WebKit | undefined} webKit
 */

/**
 * Chooses the browsers of the tests: with `CI` or `ALL_BROWSERS` every browser on the machine, else the preferred
 * Chromium alone.
 *
 * @returns {Engines}
 */
export function chooseEngines() {
  const [preferred, ...others] = findBrowsers();
  if (!process.env["CI"] && !process.env["ALL_BROWSERS"]) {
    return { chromiums: [preferred], firefox: undefined, webKit: undefined };
  }
  return { chromiums: [preferred, ...others], firefox: findFirefox(), webKit: findWebKit() };
}

/**
 * Finds the path of a Firefox: `FIREFOX_PATH`, else the machine's usual places.
 *
 * @returns {string | undefined}
 */
export function findFirefox() {
  return (
    readGiven("FIREFOX_PATH", "a Firefox") ??
    FIREFOX_PATHS[process.platform]?.find((candidate) => existsSync(candidate))
  );
}

/**
 * @typedef {object} WebKit
 * @property {string} driver WebKit's own WebDriver, which starts the browser
 * @property {string} display an X server without a screen, which the browser needs
 */

/**
 * Finds WebKitGTK, which exists for Linux only. Safari's own driver would first ask a person for consent.
 *
 * @returns {WebKit | undefined}
 */
export function findWebKit() {
  const webKit = { driver: "/usr/bin/WebKitWebDriver", display: "/usr/bin/Xvfb" };
  return Object.values(webKit).every((program) => existsSync(program)) ? webKit : undefined;
}

/**
 * @param {string} variable
 * @param {string} kind
 * @returns {string | undefined} the path in the variable, which is checked to exist
 */
function readGiven(variable, kind) {
  const given = process.env[variable];
  if (given && !existsSync(given))
    throw new Error(`${variable}: expected the path of ${kind}, and ${given} does not exist`);
  return given || undefined;
}

/**
 * Finds the Chromium of the npm package, unpacked once per version. The package's own unpacking has races and is
 * incomplete outside AWS Lambda, and its own arguments switch site isolation off.
 *
 * @returns {Browser[]}
 */
function unpackBundled() {
  if (process.platform !== "linux" || process.arch !== "x64") return [];
  const root = path.join(fileURLToPath(import.meta.resolve("@sparticuz/chromium")), "../..");
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const target = fileURLToPath(new URL(`../../node_modules/.cache/chromium-${version}`, import.meta.url));
  if (!existsSync(path.join(target, "chromium"))) unpack(path.join(root, "bin"), target);
  // Appended, so that newer libraries of the machine take precedence.
  const libraries = [process.env["LD_LIBRARY_PATH"], path.join(target, "lib")].filter(Boolean).join(":");
  // A machine without fonts of its own has no font configuration either.
  const fonts = existsSync("/etc/fonts/fonts.conf") ? {} : { FONTCONFIG_PATH: target };
  return [
    {
      kind: "bundled",
      executablePath: path.join(target, "chromium"),
      environment: { LD_LIBRARY_PATH: libraries, ...fonts },
    },
  ];
}

/**
 * @param {string} archives
 * @param {string} target
 */
function unpack(archives, target) {
  const draft = `${target}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const read = (/** @type {string} */ name) => brotliDecompressSync(readFileSync(path.join(archives, name)));
  writeFileSync(path.join(draft, "chromium"), read("chromium.br"), { mode: 0o755 });
  for (const name of ["swiftshader.tar.br", "al2023.tar.br", "fonts.tar.br"]) untar(read(name), draft);
  writeFileSync(
    path.join(draft, "fonts.conf"),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${target}/fonts</dir><cachedir>${target}/fonts-cache</cachedir></fontconfig>`,
  );
  try {
    renameSync(draft, target);
  } catch {
    // Another process has unpacked the same files first.
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Extracts regular files and folders of a ustar archive; the package's archives hold no other types.
 *
 * @param {Buffer} archive
 * @param {string} target
 */
function untar(archive, target) {
  for (let offset = 0; offset + 512 <= archive.length && archive[offset]; ) {
    const start = offset;
    const field = (/** @type {number} */ at, /** @type {number} */ length) =>
      archive
        .subarray(start + at, start + at + length)
        .toString()
        .replace(/\0.*$/s, "");
    const size = Number.parseInt(field(124, 12), 8) || 0;
    const type = field(156, 1);
    const file = path.join(target, field(0, 100));
    if (type === "5") mkdirSync(file, { recursive: true });
    else if (type === "0" || type === "") {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, archive.subarray(offset + 512, offset + 512 + size), { mode: 0o755 });
    }
    offset += 512 + Math.ceil(size / 512) * 512;
  }
}
