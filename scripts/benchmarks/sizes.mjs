// @ts-check
/** Entries that a page loads, with a budget for each, and the table of their sizes. */

/**
 * @typedef {object} Entry
 * @property {string} text the entry's words in `docs/benchmarks.md`
 * @property {number} budget largest size, gzip -9, in bytes: some percent above the size when the budget was set. The
 * changelog gives the reason for every raised budget
 */

/** @satisfies {Readonly<Record<string, Entry>>} */
export const ENTRIES = {
  connector: { text: "`connect` from the built package", budget: 11_800 },
  "hooks for React": {
    text: "`availability-bridge/react` over the connector: provider and hooks",
    budget: 1_500,
  },
  "components and hooks for React": {
    text: "the same with the badge's component, over connector and badge",
    budget: 1_500,
  },
  "composables for Vue": {
    text: "`availability-bridge/vue` over the connector: plugin and composables",
    budget: 1_500,
  },
  "component and composables for Vue": {
    text: "the same with the badge's component, over connector and badge",
    budget: 1_500,
  },
  "embed.js": { text: "`embed.js` as it is, without the badge", budget: 13_550 },
  "badge of embed.js": { text: "the badge's file, which `embed.js` loads with the first badge", budget: 4_000 },
  "badges with extras": { text: "the extras of badges, which few badges need", budget: 3_540 },
  "developer's tools of embed.js": {
    text: "the developer's tools, which `embed.js` loads on demand",
    budget: 9_000,
  },
  "doctor of embed.js": { text: "the doctor, which `embed.js` loads for `data-doctor`", budget: 6_400 },
  "fast snippet, not compressed": { text: "`fast-snippet.js`, not compressed", budget: 700 },
  "widget without its view and its live part": {
    text: "the widget's document with its code, without its view and its live part",
    budget: 16_000,
  },
  "view of a visible widget": { text: "the view of a visible widget, in English", budget: 23_500 },
};

/** @typedef {Readonly<Record<keyof typeof ENTRIES, number>>} Sizes in bytes, by the entry's name */

/** Names of the entries, in the order of the table. */
export const NAMES = /** @type {(keyof typeof ENTRIES)[]} */ (Object.keys(ENTRIES));

/**
 * Returns the rows of the table in `docs/benchmarks.md`.
 *
 * @param {Sizes} sizes
 * @returns {import("./table.mjs").Rows}
 */
export function toRows(sizes) {
  const inDigits = (/** @type {number} */ bytes) => bytes.toLocaleString("en");
  return [
    ["entry", "size", "budget"],
    ...NAMES.map((name) => [ENTRIES[name].text, inDigits(sizes[name]), inDigits(ENTRIES[name].budget)]),
  ];
}
