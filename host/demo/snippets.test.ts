/** The code that the playground shows: compiled as a page of its kind would be. The tag's runs in `e2e/specs/playground.spec.ts`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { compileScript, parse } from "vue/compiler-sfc";
import { SNIPPET_KINDS, writeSnippet } from "./snippets.ts";

const SUBJECT = { userId: 106, vendor: "https://widget.example.com" };

/** Compiles files with the package's own types, as strictly as this repository. Returns the compiler's complaints. */
function compile(files: Readonly<Record<string, string>>): string {
  mkdirSync("node_modules/.cache", { recursive: true });
  const folder = mkdtempSync("node_modules/.cache/snippets-");
  const root = path.relative(folder, ".");
  for (const [name, code] of Object.entries(files)) writeFileSync(path.join(folder, name), code);
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
    include: Object.keys(files),
    references: [{ path: `${root}/host` }],
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  try {
    execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b", folder], { encoding: "utf8" });
    return "";
  } catch (error) {
    return String(Object(error).stdout);
  }
}

test("the TypeScript and the React component compile; control: with a wrong name and a wrong type they do not", {
  // The compiler takes long on a busy machine.
  timeout: 120_000,
}, () => {
  const typescript = writeSnippet("TypeScript", SUBJECT);
  const react = writeSnippet("React", SUBJECT);
  const complaints = compile({
    "page.ts": typescript,
    "wrong-page.ts": typescript.replace(".callable", ".isCallable"),
    "button.tsx": react,
    "wrong-button.tsx": react.replace("useAvailability(userId)", "useAvailability(String(userId))"),
  });
  const lines = complaints.split("\n").filter((line) => line.includes("error TS"));
  const wrong = lines.map((line) => /([\w-]+\.tsx?)\(/.exec(line)?.[1]);
  expect(new Set(wrong)).toEqual(new Set(["wrong-page.ts", "wrong-button.tsx"]));
});

test("the Vue component compiles to a component that follows the agent; control: with a broken template it does not", () => {
  const code = writeSnippet("Vue", SUBJECT);
  const { descriptor, errors } = parse(code);
  expect(errors).toEqual([]);
  const { content } = compileScript(descriptor, { id: "page", inlineTemplate: true });
  expect(content).toContain("useAvailability(106)");
  expect(content).toMatch(/disabled: !(?:_unref\(agent\)|agent\.value)\.callable/);
  expect(parse(code.replace("</button>", "")).errors).not.toEqual([]);
});

test.each(SNIPPET_KINDS)("%s names the vendor and the agent on the screen", (kind) => {
  const code = writeSnippet(kind, SUBJECT);
  expect(code).toContain("https://widget.example.com/");
  expect(code).toContain("106");
});
