// @ts-check
/** A build of somebody else's script and frame, so that one and the same gateway program serves them as it serves ours. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";

/**
 * Writes a build into a directory. The gateway in it is this project's.
 *
 * @param {string} directory
 * @param {{ script?: string, frame: string }} entries what is served as `/embed.js`, and what stands inline in the document of `/widget/`
 */
export async function writeBuild(directory, { script, frame }) {
  mkdirSync(`${directory}/widget/assets`, { recursive: true });
  cpSync("gateway/dist/server.js", `${directory}/server.js`);
  writeFileSync(`${directory}/embed.js`, script === undefined ? "" : await bundle(script));
  writeFileSync(
    `${directory}/widget/index.html`,
    `<!doctype html><meta charset="utf-8"><meta name="availability-bridge" content=""><body><script>${await bundle(frame)}</script>`,
  );
  writeFileSync(`${directory}/widget/assets/nothing.js`, "");
}
