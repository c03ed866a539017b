// @ts-check
/**
 * Finds the browsers for the tests and the benchmarks. A Chromium: `CHROMIUM_PATH`, else a Chromium or Chrome on the
 * machine, else the one inside the npm package `@sparticuz/chromium`, which needs neither a download nor root.
 * Firefox and WebKit: the machine's own, where it has them.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

/**
 * @typedef {object} Browser
 * @property {"given" | "system" | "bundled"} kind where it comes from
 * @property {string} executablePath
 * @property {Readonly<Record<string, string>>} environment what its process needs beside the environment of this one
 */

/** One process for each site, as in a browser that people use: the widget's frame is then truly another process. */
export const BROWSER_ARGUMENTS = [
  "--site-per-process",
  // Containers and CI run as root and with a small /dev/shm.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  // A browser under test calls nobody.
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
 * Every Chromium that can run here, the preferred one first. With `CHROMIUM_PATH` it is that one alone.
 *
 * @returns {[Browser, ...Browser[]]}
 * @throws {Error} where there is none, saying how to get one.
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
 * @property {string | undefined} firefox its path
 * @property {WebKit | undefined} webKit
 */

/**
 * What the tests run in: with `CI` or `ALL_BROWSERS` all that the machine has, else the preferred Chromium alone.
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
 * The path of a Firefox: `FIREFOX_PATH`, else where the machine keeps it.
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
 * @property {string} driver WebKit's own WebDriver, which brings the browser that it drives
 * @property {string} display an X server without a screen, since that browser needs one
 */

/**
 * WebKit as WebKitGTK has it, which is there for Linux only. Safari's own driver asks for a person's consent first.
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
 * @returns {string | undefined} the path in the variable, which then exists
 */
function readGiven(variable, kind) {
  const given = process.env[variable];
  if (given && !existsSync(given))
    throw new Error(`${variable}: expected the path of ${kind}, and ${given} does not exist`);
  return given || undefined;
}

/**
 * The Chromium of the npm package, unpacked once per version. Its own unpacking is neither race-free nor complete
 * outside the service that it was made for, and its own arguments switch site isolation off.
 *
 * @returns {Browser[]}
 */
function unpackBundled() {
  if (process.platform !== "linux" || process.arch !== "x64") return [];
  const root = path.join(fileURLToPath(import.meta.resolve("@sparticuz/chromium")), "../..");
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const target = fileURLToPath(new URL(`../../node_modules/.cache/chromium-${version}`, import.meta.url));
  if (!existsSync(path.join(target, "chromium"))) unpack(path.join(root, "bin"), target);
  // Appended, so that newer libraries of the machine win.
  const libraries = [process.env["LD_LIBRARY_PATH"], path.join(target, "lib")].filter(Boolean).join(":");
  // A machine without fonts of its own has no configuration for them either.
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
    // Another process was faster, and its copy is as good.
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Reads regular files and folders of a ustar archive, which is all that these archives hold.
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
