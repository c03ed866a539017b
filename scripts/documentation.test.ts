/** Holds the documentation to the repository: links, paths, anchors, tables of options and errors, and the types of examples. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { compileScript, parse } from "vue/compiler-sfc";
import { toBusError } from "../shared/protocol/errors.ts";
import type { RejectionCode } from "../shared/protocol/rejection.ts";
import { rewriteLinks } from "./package-pages.mjs";

const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "gateway/README.md",
  "findings/README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The files of the repository. */
const FILES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(file));

/** Reads a page without its code blocks. */
function readProse(page: string): string {
  return readFileSync(page, "utf8").replaceAll(/^( *)```.*?^\1```/gms, "");
}

/** Returns the anchors of a page's headings, as GitHub derives them. */
function anchorsOf(page: string): readonly string[] {
  const headings = readProse(page).matchAll(/^#+ (.+)$/gm);
  return Array.from(headings, ([, text = ""]) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Returns the targets of a text's links to files and headings. */
function linksIn(prose: string): readonly string[] {
  const links = Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

/** Returns the files to which a page at the given path links. */
function linkedFiles(page: string, prose: string): readonly string[] {
  const targets = linksIn(prose).filter((target) => !target.startsWith("#"));
  return targets.map((target) => path.posix.join(path.posix.dirname(page), target.replace(/#.*/, "")));
}

describe.each(PAGES)("%s", (page) => {
  const relative = linksIn(readProse(page));

  test("has no link to a file that does not exist", () => {
    const files = relative.filter((target) => !target.startsWith("#")).map((target) => target.replace(/#.*/, ""));
    expect(files.filter((file) => !existsSync(path.join(path.dirname(page), file)))).toEqual([]);
  });

  test("has no link to a heading that does not exist", () => {
    const missing = relative.filter((target) => {
      const [file = "", anchor] = target.split("#");
      if (anchor === undefined) return false;
      return !anchorsOf(file === "" ? page : path.join(path.dirname(page), file)).includes(anchor);
    });
    expect(missing).toEqual([]);
  });

  test("names no file and no folder of the repository that does not exist", () => {
    const text = page === "CHANGELOG.md" ? "" : readFileSync(page, "utf8");
    const named = Array.from(
      text.matchAll(
        /(?<![\w./:@-])((?:host|shared|widget|testing|gateway|e2e|docs|scripts)(?:\/[\w*-]+)*(?:\/[\w*.-]+\.(?:ts|mjs|md|json|html|conf|css|service)|\/[\w-]+\/?))(?![\w*-])/g,
      ),
      ([, name = ""]) => name.replace(/\/$/, ""),
    );
    expect(named.filter((name) => !isInRepository(name))).toEqual([]);
  });
});

/** Pages below `docs` that the package availability-bridge has. Its README and its changelog are about the whole repository. */
const BRIDGE_PAGES: readonly string[] = JSON.parse(readFileSync("package.json", "utf8")).files.filter((file: string) =>
  file.startsWith("docs/"),
);

test.each(BRIDGE_PAGES)("%s has no link to a file that the package availability-bridge lacks", (page) => {
  const packed = [...BRIDGE_PAGES, "README.md", "CHANGELOG.md", "LICENSE"];
  expect(linkedFiles(page, readProse(page)).filter((file) => !packed.includes(file))).toEqual([]);
});

const DOCS_PAGES = PAGES.filter((page) => page.startsWith("docs/"));

test.each(DOCS_PAGES)("%s has no link to a file that the package availability-gateway lacks", (page) => {
  const { files } = JSON.parse(readFileSync("gateway/package.json", "utf8"));
  const packed = [...DOCS_PAGES.map((name) => `dist/${name}`), ...files];
  expect(linkedFiles(`dist/${page}`, rewriteLinks(readProse(page))).filter((file) => !packed.includes(file))).toEqual(
    [],
  );
});

test("README.md says in its first three groups which pages the package availability-bridge has", () => {
  const [, list = ""] = readFileSync("README.md", "utf8").split("**You run a CRM and add the badge**");
  const [groups = ""] = list.split("**You run the gateway**");
  const named = ["docs/how-it-works.md", "docs/inspector.md"];
  expect(sorted([...linkedFiles("README.md", groups), ...named])).toEqual(sorted(BRIDGE_PAGES));
});

test.each(["README.md", "docs/README.md"])("%s lists each page of docs once, by reader", (index) => {
  const [, list = ""] = readFileSync(index, "utf8").split(/You run a CRM and add the badge/);
  const listed = linkedFiles(index, list).filter((file) => file.startsWith("docs/"));
  expect(sorted(listed)).toEqual(sorted(DOCS_PAGES.filter((page) => page !== "docs/README.md")));
});

/** True if the repository has a file or a folder of the given name. `*` stands for part of a name. */
function isInRepository(name: string): boolean {
  if (name === "gateway/dist" || name.startsWith("gateway/dist/")) return true;
  const pattern = new RegExp(`^${name.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}(/|\\.|$)`);
  return FILES.some((file) => pattern.test(file));
}

/** Returns the paths in a page's drawing of a tree: each line is indented below its folder. */
function treeIn(page: string): readonly string[] {
  const [, block = ""] = /```tree\n(.*?)```/s.exec(readFileSync(page, "utf8")) ?? [];
  const folders: string[] = [];
  return block.split("\n").flatMap((line) => {
    const [, indent = "", name] = /^( *)([\w.*-]+\/?)(?: {2,}|$)/.exec(line) ?? [];
    if (name === undefined) return [];
    const depth = indent.length / 2;
    const full = [...folders.slice(0, depth), name.replace(/\/$/, "")].join("/");
    if (name.endsWith("/")) folders.splice(depth, Infinity, name.slice(0, -1));
    return [full];
  });
}

test("the tree in CONTRIBUTING.md has each folder of the source, and no other", () => {
  const drawn = treeIn("CONTRIBUTING.md");
  expect(drawn.filter((name) => !isInRepository(name))).toEqual([]);
  const roots = ["host", "shared", "widget", "testing", "gateway", "e2e", "scripts", "docs", "findings"];
  const folders = new Set(
    FILES.filter((file) => roots.includes(file.split("/")[0] ?? "")).flatMap((file) => {
      const parts = file.split("/").slice(0, -1);
      return [parts.slice(0, 1), parts.slice(0, 2)].map((part) => part.join("/"));
    }),
  );
  expect([...folders].filter((folder) => !drawn.includes(folder))).toEqual([]);
});

/** Returns the first column's names in the table under a heading. */
function namesUnder(heading: string, page: string): readonly string[] {
  const [, section = ""] = readFileSync(page, "utf8").split(`\n${heading}\n`);
  const [own = ""] = section.split(/\n##+ /);
  const rows = own.matchAll(/^\| ((?:`[^`]+`(?:, )?)+) \|/gm);
  return Array.from(rows, ([, cell = ""]) => cell).flatMap((cell) =>
    Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name),
  );
}

test("docs/pages.md names an existing test in each row", () => {
  const page = readFileSync("docs/pages.md", "utf8");
  const rows = Array.from(page.matchAll(/^\| (?!Page \||---).*$/gm), ([row]) => row);
  expect(rows.length).toBeGreaterThan(20);
  const unproven = rows.filter((row) => {
    const [, file = "", title = ""] = /\| `([\w-]+\.spec\.ts)`: "(.+)" \|$/.exec(row) ?? [];
    const isNamed = existsSync(`e2e/specs/${file}`) && title !== "";
    return !isNamed || !readFileSync(`e2e/specs/${file}`, "utf8").includes(title);
  });
  expect(unproven).toEqual([]);
});

test("findings/README.md lists each finding, and no other", () => {
  const rows = readFileSync("findings/README.md", "utf8").matchAll(/^\| \[([\w.-]+)\]\(\1\) \|/gm);
  const scripts = readdirSync("findings").filter((name) => name !== "README.md");
  expect(sorted(Array.from(rows, ([, name = ""]) => name))).toEqual(sorted(scripts));
});

test("docs/use-the-connector.md describes each option of connect, and no other", () => {
  const [, declaration = ""] =
    /interface ConnectOptions \{(.*?)^\}/ms.exec(readFileSync("host/connect.ts", "utf8")) ?? [];
  const options = Array.from(declaration.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, name = ""]) => name);
  expect(options.length).toBeGreaterThan(5);
  expect(sorted(namesUnder("## Connect", "docs/use-the-connector.md"))).toEqual(sorted(options));
});

test("docs/use-the-connector.md names the default of each option of connect", () => {
  const source = readFileSync("host/connect.ts", "utf8");
  const defaults = source.matchAll(/@default (\S+)\s+\*\/\s+readonly (\w+)/g);
  const declared = Array.from(defaults, ([, value, name = ""]) => [name, value]);
  expect(declared.length).toBe(7);
  const page = readFileSync("docs/use-the-connector.md", "utf8");
  const described = declared.map(([name]) => {
    const [, cell = ""] = new RegExp(`^\\| \`${name}\` \\|.*\\| ([^|]*) \\|$`, "m").exec(page) ?? [];
    return [name, cell.replaceAll(/[`,]/g, "")];
  });
  expect(described).toEqual(declared);
});

test("docs/test-your-integration.md describes each option and each control of the test kit, and no other", () => {
  const sources = ["vendor-controls", "create-test-connector", "playwright"].map((name) =>
    readFileSync(`testing/${name}.ts`, "utf8"),
  );
  const declared = ["VendorOptions", "VendorControls", "TestConnector", "FakeWidgetOptions"].flatMap((name) => {
    const [, body = ""] = new RegExp(`interface ${name}\\b[^{]*\\{(.*?)^\\}`, "ms").exec(sources.join("\n")) ?? [];
    return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)[?:(]/gm), ([, member = ""]) => member);
  });
  const described = namesUnder("## What a test can do", "docs/test-your-integration.md").map((name) =>
    name.replace(/\(.*/, ""),
  );
  expect(sorted(described)).toEqual(sorted([...declared, "fetchToken", "timeoutMs", "handshakeTimeoutMs"]));
});

/** Pages that quote lines of the console, for readers who search for what they see. */
const QUOTING_PAGES = [
  "README.md",
  "docs/it-does-not-work.md",
  "docs/platforms.md",
  "docs/pages.md",
  "docs/use-the-connector.md",
];

/** The code that writes to the console of a page or of the widget, and the gateway's problems that a line may hold. */
const WRITING_FILES = FILES.filter(
  (file) => /^(?:host|shared|widget|gateway\/auth)\/.*(?<!\.test)\.ts$/.test(file) && !file.startsWith("host/demo/"),
);

/** A quoted line of this product: those of browsers begin otherwise. */
const QUOTED_LINE =
  /`((?:availability-bridge: |[\w.-]+: expected[ ,]|This call needs |the gateway rejects |No widget answered|The page's own )[^`]*)`/g;

/** Returns the parts of a quoted line that the code writes as they stand: `…`, numbers, values and lists of names differ. */
function fixedParts(line: string): readonly string[] {
  const varying = /…|\d+|<availability-badge>|"|\b[A-Z]{2,}\b|[\w-]+: expected data-.*|(?<=status \d+): /;
  const parts = line.replace(/^availability-bridge: /, "").split(varying);
  return parts.map((part) => part.replaceAll(/^[\s.,:>]+|[\s.,:]+$/g, "")).filter((part) => part.includes(" "));
}

test.each(QUOTING_PAGES)("%s quotes lines of the console as the code writes them", (page) => {
  const code = WRITING_FILES.map((file) => readFileSync(file, "utf8")).join("\n");
  const quoted = Array.from(readProse(page).matchAll(QUOTED_LINE), ([, line = ""]) => line);
  expect(quoted.length).toBeGreaterThan(0);
  expect(quoted.filter((line) => !fixedParts(line).every((part) => code.includes(part)))).toEqual([]);
});

test("each warning in the console of a page is on a page of the documentation", () => {
  const calls = WRITING_FILES.flatMap((file) =>
    Array.from(
      readFileSync(file, "utf8").matchAll(/(?:warnOnce|console\.warn)\(\s*(?:`([^`]+)`|"([^"]+)")/g),
      ([, template = "", text = ""]) => template + text,
    ),
  );
  const warnings = calls.map((line) => fixedParts(line.replaceAll(/\$\{[^}]*\}/g, "…"))).filter(([part]) => part);
  expect(warnings.length).toBeGreaterThan(5);
  const pages = QUOTING_PAGES.map((page) => readFileSync(page, "utf8")).join("\n");
  expect(warnings.filter(([part = ""]) => !pages.includes(part))).toEqual([]);
});

test("docs/it-does-not-work.md quotes the widget's texts as a visible widget shows them", () => {
  const [, section = ""] = readFileSync("docs/it-does-not-work.md", "utf8").split("shows no team\n");
  const [table = ""] = section.split("\n## ");
  const quoted = Array.from(table.matchAll(/^\| (?!The widget says|---|nothing)([^|]+) \|/gm), ([, text = ""]) => text);
  expect(quoted.length).toBeGreaterThan(5);
  const texts = readFileSync("widget/panel/texts/en.ts", "utf8");
  expect(quoted.filter((text) => !texts.includes(`"${text}"`))).toEqual([]);
});

test("docs/use-the-connector.md describes each status of a watched user, and no other", () => {
  const [, union = ""] = /readonly status: ([^;]+);/.exec(readFileSync("host/connector.ts", "utf8")) ?? [];
  const statuses = Array.from(union.matchAll(/"([a-z-]+)"/g), ([, name = ""]) => name);
  expect(statuses.length).toBeGreaterThan(5);
  expect(sorted(namesUnder("### Live and stale", "docs/use-the-connector.md"))).toEqual(sorted(statuses));
});

test("docs/add-the-badge.md describes each attribute of the script tag, and no other", () => {
  const source = readFileSync("host/script-options.ts", "utf8");
  const [, list = ""] = /const ATTRIBUTES =\s+"([^"]+)"/.exec(source) ?? [];
  const attributes = list.split(", ");
  expect(attributes).toContain("data-token-url");
  expect(sorted(namesUnder("## The script tag", "docs/add-the-badge.md"))).toEqual(sorted(attributes));
});

test("docs/use-the-connector.md describes each error as it is thrown", () => {
  const rows = readFileSync("docs/use-the-connector.md", "utf8").matchAll(
    /^\| `([A-Z_]+)` \| `?([^|`]+)`? \| [^|]* \| (yes|no) \|$/gm,
  );
  const described = new Map(
    Array.from(rows, ([, code = "", name = "", retryable = ""]) => [code, { name, retryable }]),
  );
  const reference = readFileSync("docs/reference.md", "utf8").matchAll(/^\| `([A-Z_]+)` \| (yes|no) \|/gm);
  const codes = new Map(Array.from(reference, ([, code = "", retryable = ""]) => [code, retryable]));
  expect(sorted(described.keys())).toEqual(sorted(codes.keys()));
  for (const [code, { name, retryable }] of described) {
    expect(`${code} ${retryable}`).toBe(`${code} ${codes.get(code)}`);
    if (code !== "ABORTED") expect(`${code} ${name}`).toBe(`${code} ${classOf(code as RejectionCode)}`);
  }
});

function sorted(names: Iterable<string>): readonly string[] {
  return [...names].sort();
}

function classOf(code: RejectionCode): string {
  const error = { code, message: "", retryable: false };
  const meta = { source: "bridge" } as const;
  return toBusError({ type: "A" }, { type: "A_REJECTED", payload: { error }, meta }).name;
}

test("the TypeScript examples of the documentation compile", () => {
  mkdirSync("node_modules/.cache", { recursive: true });
  const folder = mkdtempSync("node_modules/.cache/examples-");
  const pages = ["README.md", "docs/use-the-connector.md", "docs/inspector.md", "docs/doctor.md"];
  const examples = pages.flatMap((page) =>
    Array.from(readFileSync(page, "utf8").matchAll(/^```ts\n(.*?)^```/gms), ([, code = ""]) => code),
  );
  expect(examples.length).toBeGreaterThan(5);
  for (const [index, code] of examples.entries()) writeFileSync(`${folder}/example-${index}.ts`, code);
  const root = path.relative(folder, ".");
  const config = {
    extends: `${root}/tsconfig.json`,
    compilerOptions: {
      outDir: "types",
      lib: ["ES2022", "DOM", "DOM.Iterable"],
      paths: {
        "availability-bridge": [`${root}/host/index.ts`],
        "availability-bridge/badge": [`${root}/host/badge.ts`],
        "availability-bridge/doctor": [`${root}/host/doctor.ts`],
        "availability-bridge/inspector": [`${root}/host/inspector.ts`],
      },
    },
    files: [],
    include: ["*.ts"],
    references: [{ path: `${root}/host` }],
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  expect(compile(folder)).toBe("");
});

/** The code blocks of a page that begin with a comment with the name of a file, by that name. */
function namedExamples(page: string): ReadonlyMap<string, string> {
  const blocks = readFileSync(page, "utf8").matchAll(/^```\w+\n((?:\/\/|<!--) (\S+)(?: -->)?\n.*?)^```/gms);
  return new Map(Array.from(blocks, ([, code = "", name = ""]) => [name, code]));
}

test("the examples of docs/react.md compile with each other, and those without a framework", () => {
  mkdirSync("node_modules/.cache", { recursive: true });
  const folder = mkdtempSync("node_modules/.cache/react-");
  mkdirSync(`${folder}/src`);
  const examples = [...namedExamples("docs/react.md"), ...namedExamples("docs/frameworks.md")].filter(([name]) =>
    name.endsWith(".tsx") ? name.startsWith("src/") : name === "src/agent-card.ts" || name === "src/lib/bridge.ts",
  );
  expect(examples.length).toBeGreaterThan(5);
  for (const [name, code] of examples) writeFileSync(`${folder}/${name.replace("lib/", "")}`, code);
  const root = path.relative(folder, ".");
  const config = {
    extends: `${root}/tsconfig.json`,
    compilerOptions: {
      outDir: "types",
      lib: ["ES2022", "DOM", "DOM.Iterable"],
      jsx: "react-jsx",
      types: ["react"],
      paths: {
        "availability-bridge": [`${root}/host/index.ts`],
        "availability-bridge/react": [`${root}/host/frameworks/react.ts`],
      },
    },
    files: [],
    include: ["src/*"],
    references: [{ path: `${root}/host` }],
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  expect(compile(folder)).toBe("");
});

test("the components of docs/vue.md compile", () => {
  const components = [...namedExamples("docs/vue.md")].filter(([name]) => name.endsWith(".vue"));
  expect(components.length).toBeGreaterThan(2);
  for (const [name, code] of components) {
    const { descriptor, errors } = parse(code);
    expect(errors).toEqual([]);
    expect(compileScript(descriptor, { id: name, inlineTemplate: true }).content).toContain("setup");
  }
});

/** Returns the compiler's complaints. */
function compile(folder: string): string {
  try {
    return execFileSync("npx", ["tsc", "-b", folder], { encoding: "utf8" });
  } catch (error) {
    return String(Object(error).stdout);
  }
}
