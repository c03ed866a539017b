// @ts-check
/** A smallest consumer of the packed package, and the parts that consumers share. */
import { readFileSync } from "node:fs";

/**
 * @typedef {object} Consumer
 * @property {string} name tool and version, as in the table of results
 * @property {string} folder folder, shared by all consumers of its packages
 * @property {Readonly<Record<string, string>>} files text of the consumer's files, by path in the consumer's own folder
 * @property {readonly (readonly string[])[]} commands arguments of `node`; each must end with exit code 0
 * @property {boolean} isFast true for the consumers of CI: the oldest and the newest of each kind, installed and run within a minute
 * @property {boolean} [isFramework] true for the pages of frameworks, which have a command of their own
 */

/** The exercise of the package in a page, without its `export`. */
export const exercise = readSource("exercise.js").replace("export ", "");
/** The exercise of the test kit, likewise. */
export const exerciseTesting = readSource("exercise-testing.js").replace("export ", "");

/**
 * Returns the text of a file in `sources`.
 *
 * @param {string} name
 */
export function readSource(name) {
  return readFileSync(new URL(`sources/${name}`, import.meta.url), "utf8");
}

/**
 * Returns the path of a tool from the consumer's own folder.
 *
 * @param {string} file
 */
export function tool(file) {
  return `../node_modules/${file}`;
}
