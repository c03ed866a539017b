// @ts-check
/**
 * `npm run words`: measures the wording of comments per folder, tests apart. A comment full of `it`, `what` and
 * `whoever` leaves the reader to find the nouns.
 *
 * `--worst 20` lists the files and comments to rewrite first. `--check` fails when a total is above `LIMITS`.
 * `--root DIRECTORY` measures another checkout, and paths after the options select files or folders.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseSync } from "vite";

/**
 * @typedef {object} Comment
 * @property {number} line line of its first character, from 1
 * @property {boolean} isDoc true for `/** … *\/`
 * @property {string} text prose without comment marks, code spans, links and directives; an empty line parts paragraphs
 */

/**
 * @typedef {object} Counts
 * @property {number} words
 * @property {number} sentences
 * @property {number} docComments
 * @property {number} whClauses doc comments that begin with a wh-word
 * @property {number} pronouns
 * @property {number} domainNouns
 * @property {number} where `where` in place of `if` or `when`
 * @property {number} whoever
 * @property {number} tell
 * @property {number} nobody
 * @property {string[]} found every counted pronoun, wh-word and `where`, in order
 */

/** Upper limits of `--check`: pronouns per 100 words, wh-clauses in percent of doc comments, `where` per 1,000 words. */
export const LIMITS = { pronouns: 6, whClauses: 2, where: 1 };

const FOLDERS = ["host", "shared", "widget", "testing", "gateway", "e2e", "scripts", "docs"];
const TEST_FILES =
  /^e2e\/|\.(test|spec|test-d|suite|setup)\.[jt]s$|(^|\/)test-[^/]+$|^[^/]+\/(test|testing)\/|^scripts\/benchmarks\//;

/** Words in place of a noun. `I`, `we` and `you` do not count: they name the writer and the reader. */
const PRONOUNS = toSet(`
  he him his himself she her hers herself it its itself they them their theirs themselves
  this that these those who whom whose which what
  whoever whomever whatever whichever
  none nobody nothing somebody someone something anybody anyone anything everybody everyone everything
  one ones other others another such same
`);

/** Words of the field, which a reader can look up. */
const DOMAIN_NOUNS = toSet(`
  address agent api argument array attribute availability body browser buffer byte bytes cache call callback caller
  channel client command connection connector container contract cookie cursor customer data deadline document element
  endpoint entry error event field file frame function gateway handler handshake header heartbeat host id iframe key
  limit list listener lock log message method module node object operator option options origin page parameter path
  payload policy poll port process promise property proxy queue redis reply request response result retry route scope
  script server session settings settlement signal snapshot status store stream string subscriber tab test text timeout
  timer token type upstream url user value version webhook widget window worker
`);

const WH_CLAUSE = /^(what|who|whom|whose|whoever|whatever|whichever|which|where|when|whether|why|how)\b/i;
/** Words before a `where` that asks for a place: `knows where`, `from where`. */
const PLACE_BEFORE_WHERE = /(?:^|\b(?:know|knows|known|from|to|near|see|decides?|names?)\s+)$/i;
const DIRECTIVE = /^\s*(biome-ignore|oxlint-|eslint-|@ts-|@vite-ignore|v8 ignore|c8 ignore|prettier-ignore|#__)/;

/** @param {string} words */
function toSet(words) {
  return new Set(words.trim().split(/\s+/));
}

/**
 * Reads a file's comments. Adjacent `//` lines are one comment.
 *
 * @param {string} file its extension chooses the language
 * @param {string} source
 * @returns {Comment[]}
 */
export function readComments(file, source) {
  /** @type {{ isDoc: boolean, isLine: boolean, value: string, start: number, end: number }[]} */
  const blocks = [];
  for (const { type, value, start, end } of parseSync(file, source).comments) {
    const last = blocks.at(-1);
    const isLine = type === "Line";
    if (isLine && last?.isLine && /^[ \t]*\r?\n[ \t]*$/.test(source.slice(last.end, start))) {
      last.value += `\n${value}`;
      last.end = end;
    } else blocks.push({ isDoc: !isLine && value.startsWith("*"), isLine, value, start, end });
  }
  return blocks
    .map(({ isDoc, value, start }) => ({
      isDoc,
      line: source.slice(0, start).split("\n").length,
      text: toProse(value),
    }))
    .filter(({ text }) => /[a-z]/i.test(text));
}

/** @param {string} value */
function toProse(value) {
  const lines = value
    .replace(/^\*/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\*(?!\w) ?/, ""));
  return lines
    .filter((line) => !DIRECTIVE.test(line))
    .map((line) => line.replace(/^\s*(?=@)/, "\n"))
    .join("\n")
    .replace(/^@(typedef|property|param|type|template)\s+(\{[^}]*\}\s*)?[[\]\w.]*/gm, "")
    .replace(/^@\w+\s*(\{[^}]*\})?/gm, "")
    .replace(/\{@\w+\s[^}]*\}/g, " X ")
    .replace(/```[^]*?```/g, " X ")
    .replace(/`[^`]*`/g, " X ")
    .replace(/\bhttps?:\/\/\S+/g, " X ")
    .trim();
}

/**
 * Counts the words of one comment.
 *
 * @param {Comment} comment
 * @returns {Counts}
 */
export function countComment({ isDoc, text }) {
  const words = text.replace(/\bX\b/g, " ").match(/[a-z]+(?:['’-][a-z]+)*/gi) ?? [];
  const bases = words.map((word) => word.toLowerCase().replace(/['’](s|re|ll|d|ve)$/, ""));
  const pronouns = bases.filter((word) => PRONOUNS.has(word));
  const whClause = isDoc ? WH_CLAUSE.exec(text)?.[1] : undefined;
  const where = Array.from(text.matchAll(/\bwhere\b/gi)).filter(
    ({ index }) => !PLACE_BEFORE_WHERE.test(text.slice(0, index).replace(/\s+/g, " ")),
  );
  return {
    words: words.length,
    sentences: countSentences(text),
    docComments: isDoc ? 1 : 0,
    whClauses: whClause ? 1 : 0,
    pronouns: pronouns.length,
    domainNouns: bases.filter((word) => DOMAIN_NOUNS.has(word) || DOMAIN_NOUNS.has(word.replace(/s$/, ""))).length,
    where: where.length,
    whoever: bases.filter((word) => /^(whoever|whatever|whom|whomever)$/.test(word)).length,
    tell: bases.filter((word) => /^(tell(s|ing)?|told|say(s|ing)?|said|hear(s|d|ing)?)$/.test(word)).length,
    nobody: bases.filter((word) => /^(no|some|any|every)body$/.test(word)).length,
    found: [...(whClause ? [`${whClause} …`] : []), ...pronouns, ...where.map(() => "where")],
  };
}

/** @param {string} text */
function countSentences(text) {
  const parts = text.split(/\n\s*\n/).flatMap((paragraph) => paragraph.replace(/\s+/g, " ").split(/[.!?](?=\s|$)/));
  return parts.filter((part) => /[a-z]/i.test(part)).length;
}

/**
 * Adds counts up.
 *
 * @param {readonly Counts[]} all
 * @returns {Counts}
 */
export function sum(all) {
  /** @type {Counts} */
  const total = {
    words: 0,
    sentences: 0,
    docComments: 0,
    whClauses: 0,
    pronouns: 0,
    domainNouns: 0,
    where: 0,
    whoever: 0,
    tell: 0,
    nobody: 0,
    found: [],
  };
  for (const counts of all) {
    for (const name of NUMBERS) total[name] += counts[name];
    total.found.push(...counts.found);
  }
  return total;
}

const NUMBERS = /** @type {const} */ ([
  "words",
  "sentences",
  "docComments",
  "whClauses",
  "pronouns",
  "domainNouns",
  "where",
  "whoever",
  "tell",
  "nobody",
]);

/**
 * Compares totals with `LIMITS`.
 *
 * @param {string} name name of the total, for the message
 * @param {Counts} counts
 * @returns {string[]} a sentence for each rate above the limit
 */
export function findExcesses(name, counts) {
  const rates = {
    pronouns: [rate(counts.pronouns, counts.words, 100), "pronouns and indefinites per 100 words"],
    whClauses: [rate(counts.whClauses, counts.docComments, 100), "% of doc comments beginning with a wh-clause"],
    where: [rate(counts.where, counts.words, 1_000), '"where" for "if" or "when" per 1,000 words'],
  };
  return Object.entries(LIMITS).flatMap(([key, limit]) => {
    const [value, unit] = rates[/** @type {keyof typeof rates} */ (key)];
    return Number(value) > limit ? [`${name}: ${Number(value).toFixed(1)} ${unit}, expected at most ${limit}`] : [];
  });
}

/**
 * @param {number} count
 * @param {number} total
 * @param {number} per
 */
function rate(count, total, per) {
  return total === 0 ? 0 : (count / total) * per;
}

/** @param {readonly (readonly [name: string, counts: Counts])[]} rows */
function printTable(rows) {
  const header = [
    "",
    "words",
    "per sentence",
    "pronouns %",
    "nouns %",
    "wh-clause %",
    "where ‰",
    "whoever ‰",
    "tell ‰",
    "nobody ‰",
  ];
  const lines = rows.map(([name, counts]) => [
    name,
    String(counts.words),
    ...[
      rate(counts.words, counts.sentences, 1),
      rate(counts.pronouns, counts.words, 100),
      rate(counts.domainNouns, counts.words, 100),
      rate(counts.whClauses, counts.docComments, 100),
      rate(counts.where, counts.words, 1_000),
      rate(counts.whoever, counts.words, 1_000),
      rate(counts.tell, counts.words, 1_000),
      rate(counts.nobody, counts.words, 1_000),
    ].map((value) => value.toFixed(1)),
  ]);
  for (const line of [header, ...lines]) {
    console.log(
      line
        .map((cell, index) => (index === 0 ? cell.padEnd(16) : cell.padStart((header[index]?.length ?? 0) + 2)))
        .join(""),
    );
  }
}

/**
 * Lists files and comments by the number of counted words above the limits.
 *
 * @param {readonly { file: string, counts: Counts, comments: readonly { comment: Comment, counts: Counts }[] }[]} files
 * @param {number} count
 */
function printWorst(files, count) {
  /** @param {Counts} counts */
  const excess = ({ found, words }) => found.length - (words * LIMITS.pronouns) / 100;
  console.log(`\nFiles with the most counted words above ${LIMITS.pronouns} per 100:`);
  for (const { file, counts } of [...files].sort((a, b) => excess(b.counts) - excess(a.counts)).slice(0, count)) {
    console.log(`${file}: ${counts.found.length} in ${counts.words} words, ${counts.whClauses} wh-clauses`);
  }
  console.log("\nComments with the most counted words:");
  const comments = files.flatMap(({ file, comments: all }) => all.map((one) => ({ file, ...one })));
  for (const { file, comment, counts } of comments
    .sort((a, b) => excess(b.counts) - excess(a.counts))
    .slice(0, count)) {
    console.log(`${file}:${comment.line}: ${counts.found.length} in ${counts.words} words: ${counts.found.join(", ")}`);
  }
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      root: { type: "string", default: "." },
      worst: { type: "string" },
      check: { type: "boolean", default: false },
    },
  });
  const { root } = values;
  const worst = values.worst === undefined ? 0 : Number(values.worst);
  if (!Number.isInteger(worst) || worst < 0) throw new Error(`--worst: expected a whole number, not ${values.worst}`);
  const selected = positionals.length > 0 ? positionals : FOLDERS;
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "--", ...selected], {
    cwd: root,
    encoding: "utf8",
  });
  const names = listed.split("\n").filter((name) => /\.(ts|mjs|js)$/.test(name) && existsSync(path.join(root, name)));
  if (names.length === 0) throw new Error(`${selected.join(" ")}: expected files with the ending .ts, .mjs or .js`);
  const files = [...new Set(names)].map((file) => {
    const comments = readComments(file, readFileSync(path.join(root, file), "utf8")).map((comment) => ({
      comment,
      counts: countComment(comment),
    }));
    return { file, isTest: TEST_FILES.test(file), comments, counts: sum(comments.map(({ counts }) => counts)) };
  });

  /** @type {[string, Counts][]} */
  const rows = [];
  for (const folder of [...FOLDERS, ""]) {
    for (const isTest of [false, true]) {
      const some = files.filter((file) => file.isTest === isTest && file.file.startsWith(folder && `${folder}/`));
      const name = `${folder || "all"}${isTest ? ", tests" : ""}`;
      if (some.length > 0) rows.push([name, sum(some.map(({ counts }) => counts))]);
    }
  }
  printTable(rows);
  if (worst > 0) printWorst(files, worst);
  if (!values.check) return;
  const excesses = rows
    .filter(([name]) => name.startsWith("all"))
    .flatMap(([name, counts]) => findExcesses(name, counts));
  for (const excess of excesses) console.error(excess);
  if (excesses.length > 0) process.exitCode = 1;
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
