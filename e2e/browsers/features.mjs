// @ts-check
/**
 * Compares the interfaces in the built files with MDN's data on browsers. Lists interfaces without support in an oldest browser.
 * Syntax is the build's part: `target` in `vite.config.ts`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseSync } from "vite";

/** @typedef {{ readonly version_added?: string | boolean | null, readonly [key: string]: unknown }} Support */
/** @typedef {{ readonly __compat?: { readonly support: Readonly<Record<string, Support | readonly Support[]>> }, readonly [key: string]: unknown }} Feature */

/** The oldest supported versions, as in `docs/browsers.md`. */
const OLDEST = { chrome: 92, edge: 92, firefox: 91, safari: 15.4, safari_ios: 15.4 };

/** Interfaces of the objects in the files. A member of an unlisted interface is not meant, despite an equal name. */
const INTERFACES =
  `AbortController AbortSignal Array ArrayBuffer CSSStyleSheet Crypto CustomElementRegistry DOMException DOMTokenList Date Document
  Element Error Event EventTarget Function HTMLElement HTMLIFrameElement HTMLLinkElement HTMLScriptElement Headers Intl JSON Location Map Math
  MessageEvent MessagePort MutationObserver Navigator Node Number Object Performance Promise ReadableStream ReadableStreamDefaultController
  ReadableStreamDefaultReader RegExp Request Response Set ShadowRoot SharedWorker String Symbol TextDecoder TextEncoder URL URLSearchParams WeakMap
  WeakRef WeakSet Window Worker`.split(/\s+/);

/** Names in the built files without support in an oldest browser, each with the reason why the product works in the browser. */
export const KNOWN = {
  "AbortSignal.any": "defined in widget/complete-browser.ts",
  "AbortSignal.timeout":
    "defined in widget/complete-browser.ts; Chrome before 124 aborts with an AbortError, which no code tells apart",
  throwIfAborted: "defined in widget/complete-browser.ts",
  reason: "defined in widget/complete-browser.ts; in the page an error of the connector stands in",
  hasOwn: "defined in widget/complete-browser.ts",
  reportError: "defined in widget/complete-browser.ts; the page's part looks for it",
  randomUUID: "penpal looks for it, and uses Math.random",
  SharedWorker: "a tab without it opens a stream of its own",
  bytes: "a name of the widget's own",
  initialize: "a name of penpal's own",
  ancestorOrigins: "the widget and the page look for it, for a line in the console and a message",
  restore: "a name of the list's library in the widget's view",
  loading: "the page looks for it, for a message: a browser without it loads no iframe lazily",
  adoptedStyleSheets: "a visible widget shows nothing there, and the badge has an element: docs/browsers.md",
  attachInternals: "the badge has attributes beside its states for selectors",
  replaceSync: "as adoptedStyleSheets",
};

/**
 * Lists the names that an oldest browser lacks and `KNOWN` does not explain, each with the first versions with the feature, and
 * the names in `KNOWN` without a use in any file.
 *
 * @param {string} folder where `@mdn/browser-compat-data` is installed
 * @returns {readonly string[]}
 */
export function findNewerFeatures(folder) {
  /** @type {{ readonly api: Readonly<Record<string, Feature>>, readonly javascript: { readonly builtins: Readonly<Record<string, Feature>> } }} */
  const data = createRequire(`${folder}/`)("@mdn/browser-compat-data");
  const interfaces = { ...data.javascript.builtins, ...data.api };
  const globals = new Map(Object.entries(interfaces));
  /** @type {Map<string, Feature[]>} */
  const members = new Map();
  for (const owner of INTERFACES) {
    for (const [key, feature] of Object.entries(interfaces[owner] ?? {})) {
      if (key === "__compat" || key.endsWith("_event")) continue;
      const isStatic = key.endsWith("_static");
      const name = isStatic ? `${owner}.${key.replace("_static", "")}` : key;
      members.set(name, [...(members.get(name) ?? []), /** @type {Feature} */ (feature)]);
    }
  }
  /** @type {Map<string, string>} */
  const newer = new Map();
  for (const [name, isMember] of namesIn(builtFiles())) {
    const feature = globals.get(name);
    const candidates = isMember ? members.get(name) : feature && [feature];
    // Several interfaces may have the member, and no type names the interface in use: an old interface is enough.
    const versions = candidates?.map(newerThanOldest);
    if (versions?.every(Boolean)) newer.set(name, versions.join(" or "));
  }
  return [
    ...[...newer].filter(([name]) => !(name in KNOWN)).map(([name, versions]) => `${name}: ${versions}`),
    ...Object.keys(KNOWN)
      .filter((name) => !newer.has(name))
      .map((name) => `${name}: known, and no file names it`),
  ];
}

/** @param {Feature} feature */
function newerThanOldest(feature) {
  const support = feature.__compat?.support;
  if (!support) return "";
  return Object.entries(OLDEST)
    .map(([browser, oldest]) => {
      const statements = support[browser] ?? [];
      const versions = /** @type {readonly Support[]} */ (Array.isArray(statements) ? statements : [statements])
        .filter((statement) => !("flags" in statement || "prefix" in statement || "version_removed" in statement))
        .map(({ version_added: added }) =>
          typeof added === "string" ? Number.parseFloat(added.replace("≤", "")) : Infinity,
        );
      const first = Math.min(...versions);
      return first > oldest ? `${browser} ${first}` : "";
    })
    .filter(Boolean)
    .join(", ");
}

/** Code of the built files that run in a browser: the page's files and the widget's. The widget's document has inline code. */
function builtFiles() {
  const widget = "gateway/dist/widget";
  const assets = readdirSync(`${widget}/assets`).filter((name) => name.endsWith(".js"));
  const page = readdirSync("dist").filter((name) => /^(embed|embed-(badge|extras)-.*|index)\.js$/.test(name));
  const [, inline = ""] =
    /<script type="module">(.*?)<\/script>/s.exec(readFileSync(`${widget}/index.html`, "utf8")) ?? [];
  if (!inline || !assets.length || page.length !== 4) throw new Error("Parts of the build are missing");
  return [
    inline,
    ...page.map((name) => readFileSync(`dist/${name}`, "utf8")),
    ...assets.map((name) => readFileSync(`${widget}/assets/${name}`, "utf8")),
  ];
}

/**
 * Collects identifiers, members, and members with their owner; true stands for a member.
 * Names of minified code are too short for a browser's names.
 *
 * @param {readonly string[]} codes
 */
function namesIn(codes) {
  /** @type {Map<string, boolean>} */
  const names = new Map();
  for (const code of codes) {
    visit(parseSync("built.js", code).program, (node) => {
      if (node.type === "Identifier" && !names.has(node.name)) names.set(node.name, false);
      if (node.type !== "MemberExpression" || node.computed || node.property.type !== "Identifier") return;
      names.set(node.property.name, true);
      if (node.object.type === "Identifier") names.set(`${node.object.name}.${node.property.name}`, true);
    });
  }
  return names;
}

/**
 * Visits each node of a syntax tree.
 *
 * @param {unknown} value
 * @param {(node: import("vite").ESTree.Node) => void} onNode
 */
function visit(value, onNode) {
  if (typeof value !== "object" || value === null) return;
  if (isNode(value)) onNode(value);
  for (const child of Object.values(value)) visit(child, onNode);
}

/**
 * @param {object} value
 * @returns {value is import("vite").ESTree.Node}
 */
function isNode(value) {
  return "type" in value && typeof value.type === "string";
}
