// @ts-check
/** Builds of other scripts and iframes, served by the same gateway program as the bridge. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";

/**
 * Writes a build into a directory. The build's gateway is the project's.
 *
 * @param {string} directory
 * @param {{ script?: string, frame: string }} entries `script` is served as `/embed.js`; `frame` is the inline script
 * of `/widget/`
 */
export async function writeBuild(directory, { script, frame }) {
  mkdirSync(`${directory}/widget/assets`, { recursive: true });
  // The program consists of several files; the scripts of pages, beside them, are replaced.
  for (const name of readdirSync("gateway/dist")) {
    if (name.endsWith(".js") && !name.startsWith("embed")) cpSync(`gateway/dist/${name}`, `${directory}/${name}`);
  }
  writeFileSync(`${directory}/embed.js`, script === undefined ? "" : await bundle(script));
  writeFileSync(
    `${directory}/widget/index.html`,
    `<!doctype html><meta charset="utf-8"><meta name="availability-bridge" content=""><body><script>${await bundle(frame)}</script>`,
  );
  writeFileSync(`${directory}/widget/assets/nothing.js`, "");
}
