/** Every build of the project, one per `--mode`; `npm run build` runs them all. */
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin, type UserConfig } from "vite";
import { LANGUAGES } from "./shared/languages/language.ts";

/** Both packages have one version. */
const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL("gateway/package.json", import.meta.url), "utf8"),
);

/** Names that the builds and the tests replace: the version of each package. */
export const define = { BRIDGE_VERSION: JSON.stringify(version), GATEWAY_VERSION: JSON.stringify(version) };

/** The licenses of the packages that are in the built files, which their copies have to carry. */
const license = { fileName: "licenses.txt" };

const everywhere: UserConfig = { logLevel: "warn", publicDir: false, define };

/**
 * Of the browsers in `docs/browsers.md` the one that parses the least: Chrome 92 and Safari 15.4 parse all that Firefox 91 does. Named beside it they
 * would make the build replace private class members, for defects in cases that no code here has, at the cost of a kilobyte.
 */
export const target = "firefox91";

const packageEntries = {
  index: "host/index.ts",
  badge: "host/badge.ts",
  doctor: "host/doctor.ts",
  inspector: "host/inspector.ts",
  react: "host/frameworks/react.ts",
  vue: "host/frameworks/vue.ts",
  testing: "testing/index.ts",
  "testing-playwright": "testing/playwright.ts",
  contracts: "shared/contracts/index.ts",
  // English is in the badge.
  ...Object.fromEntries(LANGUAGES.slice(1).map((each) => [`languages/${each}`, `shared/languages/${each}.ts`])),
};

/** What the package's users bring, or install with the package. */
const external = ["react", "valibot", "vue", /^node:/];

/** Marks the entry for React as code of the browser, for servers that render components of their own, as in Next.js. */
const markClient = ({ name }: { readonly name: string }): string => (name === "react" ? '"use client";' : "");

const builds: Readonly<Record<string, UserConfig>> = {
  /** The package's entries, for the bundlers of its users: valibot stays an import. */
  package: {
    define: { ...define, PACKAGE_FILES: '"./"' },
    plugins: [inlineConstants(), removeUnusedPenpal()],
    build: {
      target,
      license,
      minify: false,
      emptyOutDir: false,
      lib: {
        entry: packageEntries,
        formats: ["es"],
      },
      rolldownOptions: {
        external,
        optimization: { inlineConst: true },
        output: { chunkFileNames: "chunks/[name].js", banner: markClient },
      },
    },
  },
  /**
   * The same entries for `require`, and for tools that read no `exports`: webpack 4 parses no syntax after ES2019 and finds no
   * penpal, so the code has penpal in it.
   */
  "package-commonjs": {
    // `import.meta` is of modules alone.
    define: { ...define, PACKAGE_FILES: '"../"', "import.meta.dirname": "__dirname" },
    build: {
      target: "es2019",
      minify: false,
      outDir: "dist/cjs",
      emptyOutDir: false,
      lib: { entry: packageEntries, formats: ["cjs"], fileName: (_format, name) => `${name}.js` },
      // Without comments, which the modules have: both would be an eighth of the package.
      rolldownOptions: {
        external,
        output: { chunkFileNames: "chunks/[name].js", comments: false, banner: markClient },
      },
    },
  },
  /** The widget that the test kit serves to browsers. */
  "fake-widget": {
    plugins: [inlineConstants(), removeUnusedPenpal()],
    build: {
      target,
      emptyOutDir: false,
      lib: { entry: "testing/fake-widget.ts", formats: ["iife"], name: "fakeWidget", fileName: () => "fake-widget.js" },
    },
  },
  /** What few badges of the script tag need. `npm run build` names the files by their content, and writes each name into what loads it. */
  "embed-extras": buildPart("embed-extras"),
  /** The badge of the script tag. */
  "embed-badge": buildPart("embed-badge"),
  /** The doctor of the script tag. */
  "embed-doctor": buildPart("embed-doctor"),
  /** The developer's tools of the script tag. */
  "embed-inspector": buildPart("embed-inspector"),
  /** The script tag: one file, with everything in it but the badge and the developer's tools. */
  embed: {
    plugins: [inlineConstants(), removeUnusedPenpal()],
    build: {
      target,
      emptyOutDir: false,
      lib: { entry: "host/embed.ts", formats: ["iife"], name: "availabilityBridgeEmbed", fileName: () => "embed.js" },
      rolldownOptions: { optimization: { inlineConst: true } },
    },
  },
  /** The inline script that loads `embed.js` and the widget at once. */
  "fast-snippet": {
    build: {
      target,
      emptyOutDir: false,
      lib: {
        entry: "host/fast-snippet.ts",
        formats: ["iife"],
        name: "availabilityBridgeSnippet",
        fileName: () => "fast-snippet.js",
      },
    },
  },
  /** The widget. `./` makes it work under any customer's path. */
  widget: {
    root: "widget",
    base: "./",
    plugins: [importDirectly(), removeUnusedPenpal(), inlineEntry()],
    worker: { format: "es" },
    build: {
      target,
      license,
      outDir: "../gateway/dist/widget",
      emptyOutDir: true,
      modulePreload: false,
      // The entry lies where the document lies, so that what it imports is still found once it is inline.
      rolldownOptions: { output: { entryFileNames: "[name]-[hash].js" } },
    },
  },
  /** The demo page, as any customer's page would be built. */
  demo: { build: { target, outDir: "dist/demo", emptyOutDir: true } },
  /** The package's program: one file with all that it needs but the driver of a browser. */
  cli: {
    ssr: { noExternal: true, external: ["playwright-core"], target: "node" },
    build: {
      target: "node20",
      ssr: "host/cli/main.ts",
      emptyOutDir: false,
      minify: false,
      rolldownOptions: { output: { codeSplitting: false, entryFileNames: "cli.js" } },
    },
  },
  /** The gateway: files that need no node_modules, beside the widget that it serves. */
  gateway: {
    ssr: { noExternal: true, target: "node" },
    // The library's entry for `fetch` alone, without mocks, sockets and caches.
    resolve: { alias: [{ find: /^undici$/, replacement: "undici/index-fetch.js" }] },
    build: {
      target: "node20",
      license,
      ssr: "gateway/server.ts",
      outDir: "gateway/dist",
      emptyOutDir: false,
      minify: false,
      // A file of its own for what is imported only once it is needed: traces, and a library for a command of Redis that is never sent.
      rolldownOptions: { output: { chunkFileNames: "[name].js" } },
    },
  },
};

export default defineConfig(({ mode }) => {
  const build = builds[mode];
  if (!build) throw new Error(`--mode ${mode}: expected one of ${Object.keys(builds).join(", ")}`);
  return { ...everywhere, ...build };
});

/** Builds a file that the script tag loads. */
function buildPart(name: string): UserConfig {
  return {
    plugins: [inlineConstants()],
    build: {
      target,
      // The badge itself replaces `light-dark()` in a browser without it: the build would do so for all, at length.
      cssTarget: "chrome123",
      emptyOutDir: false,
      lib: {
        entry: `host/${name}.ts`,
        formats: ["iife"],
        name: "availabilityBridgePart",
        fileName: () => `${name}.js`,
      },
    },
  };
}

/** Writes a module's own constants where their names are used, which the minifier does not do. The build replaces imported constants by itself. */
function inlineConstants(): Plugin {
  return {
    name: "inline-constants",
    enforce: "pre",
    transform: {
      filter: { id: /\/(?:host|shared)\/[^?]*\.ts$/ },
      handler(code) {
        let inlined = code;
        for (const [declaration, name, value = ""] of code.matchAll(
          /^const ([A-Z_]+)(?:: \w+)? = ([\d_]+|"[^"]*");$/gm,
        )) {
          inlined = inlined.replace(declaration, "").replace(new RegExp(`\\b${name}\\b`, "g"), () => value);
        }
        return { code: inlined, map: null };
      },
    },
  };
}

/**
 * What penpal does only for options that no code here sets: its log, timeouts of connections and of calls, transferables. A minifier cannot know
 * that. Each pattern has to be in penpal.
 */
const UNUSED_PARTS: readonly (readonly [pattern: RegExp, rest: string])[] = [
  // Of functions, not of the messengers' own field. Each call is a statement of its own.
  [/^\s+log\?\.\((?:[^()]|\([^()]*\))*\);$/gm, ""],
  [/, log(?=[,)])/g, ""],
  [/,\n\s+log$/gm, ""],
  [/\{ log, /g, "{ "],
  [/const timeoutId = timeout !== void 0 \?[^]*?\}, timeout\) : void 0;/g, ""],
  [/clearTimeout\(timeoutId\);/g, ""],
  [/, timeoutId(?= \})/g, ""],
  [/^\s+timeout,$/gm, ""],
  [/const lastArg = [^]*?const argsWithoutOptions = .*/g, ""],
  [/args: argsWithoutOptions/g, "args"],
  [/\(callMessage, transferables\)/g, "(callMessage)"],
];

function removeUnusedPenpal(): Plugin {
  return {
    name: "remove-unused-penpal",
    transform: {
      filter: { id: /\/penpal\/dist\/penpal\.mjs$/ },
      handler(code) {
        let rest = code;
        for (const [pattern, replacement] of UNUSED_PARTS) {
          const before = rest;
          rest = rest.replace(pattern, replacement);
          if (rest === before) this.error(`penpal has no ${pattern}, which the build removes`);
        }
        if (/(?<!#)\blog\?\.\(/.test(rest)) this.error("penpal calls its log in another way than the build expects");
        return { code: rest, map: null };
      },
    },
  };
}

/** Placeholder in `widget/main.ts` for the live part's file. */
const LIVE_PART = "assets/live-part-placeholder.js";

/** Module in which vite keeps its code around `import()`. */
const PRELOAD_HELPER = "\0vite/preload-helper.js";

/**
 * Replaces vite's code around `import()`, which loads styles and further files before the imported one: the widget has neither,
 * and its document would carry a kilobyte of code for that.
 */
function importDirectly(): Plugin {
  return {
    name: "import-directly",
    enforce: "pre",
    // One for each module that has an `import()`: a single one would be shared by the entry, which is no file.
    resolveId: (source, importer) => (source === PRELOAD_HELPER ? `${PRELOAD_HELPER}?${importer}` : undefined),
    load: (id) => (id.startsWith(PRELOAD_HELPER) ? "export const __vitePreload = (load) => load();" : undefined),
  };
}

/** Moves the entry's code into the document: the bridge then answers without a second round trip. */
function inlineEntry(): Plugin {
  return {
    name: "inline-entry",
    generateBundle: {
      // After vite itself has finished the code of the chunks.
      order: "post",
      handler(_options, bundle) {
        const page = bundle["index.html"];
        const entry = Object.values(bundle).find((file) => file.type === "chunk" && file.isEntry);
        for (const file of Object.values(bundle)) {
          if (file.type === "chunk" && entry && file.imports.includes(entry.fileName)) {
            this.error(`${file.name} shares modules with the widget's entry, which is no file: hand them in`);
          }
        }
        if (page?.type !== "asset" || entry?.type !== "chunk") this.error("the widget has no document or no entry");
        const live = Object.values(bundle).find((file) => file.type === "chunk" && file.name === "live");
        if (!live || !entry.code.includes(LIVE_PART)) this.error("the widget's entry does not import its live part");
        const code = entry.code.replace(LIVE_PART, live.fileName);
        const tag = /<script type="module"[^>]*><\/script>/;
        const html = String(page.source);
        if (!tag.test(html)) this.error("the widget's document has no script tag for its entry");
        // A function, since a `$` in the code would be a pattern in a replacement text; and `</script` would end the tag.
        page.source = html.replace(
          tag,
          () => `<script type="module">${code.replaceAll("</script", "<\\/script")}</script>`,
        );
        delete bundle[entry.fileName];
      },
    },
  };
}
