/** Every build of the project, one per `--mode`; `npm run build` runs them all. */
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin, type UserConfig } from "vite";

/** Both packages have one version. */
const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL("gateway/package.json", import.meta.url), "utf8"),
);

/** Names that the builds and the tests replace: the gateway's version. */
export const define = { GATEWAY_VERSION: JSON.stringify(version) };

const everywhere: UserConfig = { logLevel: "warn", publicDir: false, define };
const target = "es2022";

const builds: Readonly<Record<string, UserConfig>> = {
  /** The package's entries, for the bundlers of its users: penpal and valibot stay imports. */
  package: {
    build: {
      target,
      minify: false,
      emptyOutDir: false,
      lib: { entry: { index: "host/index.ts", contracts: "shared/contracts/index.ts" }, formats: ["es"] },
      rolldownOptions: { external: ["penpal", "valibot"], output: { chunkFileNames: "chunks/[name].js" } },
    },
  },
  /** The script tag: one file, with everything in it. */
  embed: {
    build: {
      target,
      emptyOutDir: false,
      lib: { entry: "host/embed.ts", formats: ["iife"], name: "availabilityBridgeEmbed", fileName: () => "embed.js" },
    },
  },
  /** The widget. `./` makes it work under any customer's path. */
  widget: {
    root: "widget",
    base: "./",
    plugins: [inlineEntry()],
    worker: { format: "es" },
    build: {
      target,
      outDir: "../gateway/dist/widget",
      emptyOutDir: true,
      modulePreload: false,
      // The entry lies where the document lies, so that what it imports is still found once it is inline.
      rolldownOptions: { output: { entryFileNames: "[name]-[hash].js" } },
    },
  },
  /** The demo page, as any customer's page would be built. */
  demo: { build: { target, outDir: "dist/demo", emptyOutDir: true } },
  /** The gateway: one file that needs no node_modules, beside the widget that it serves. */
  gateway: {
    ssr: { noExternal: true, target: "node" },
    build: {
      target: "node20",
      ssr: "gateway/server.ts",
      outDir: "gateway/dist",
      emptyOutDir: false,
      minify: false,
      // The client of Redis imports a library for a command that is never sent only once it is needed.
      rolldownOptions: { output: { codeSplitting: false } },
    },
  },
};

export default defineConfig(({ mode }) => {
  const build = builds[mode];
  if (!build) throw new Error(`--mode ${mode}: expected one of ${Object.keys(builds).join(", ")}`);
  return { ...everywhere, ...build };
});

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
        const tag = /<script type="module"[^>]*><\/script>/;
        const html = String(page.source);
        if (!tag.test(html)) this.error("the widget's document has no script tag for its entry");
        // A function, since a `$` in the code would be a pattern in a replacement text; and `</script` would end the tag.
        page.source = html.replace(
          tag,
          () => `<script type="module">${entry.code.replaceAll("</script", "<\\/script")}</script>`,
        );
        delete bundle[entry.fileName];
      },
    },
  };
}
