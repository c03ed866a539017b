/** Tree of a JSON value, opened level by level with the browser's keys. */
import { createElement } from "./elements.ts";

/** Number of levels opened at first. */
const OPEN_LEVELS = 3;

/** Maximum number of members of a level. */
const MAX_MEMBERS = 200;

/** Creates the tree of a value. Opening a level creates the elements, because a settlement may be megabytes long. */
export function createJsonTree(value: unknown, level = 0): HTMLElement {
  const list = createElement("ul", { class: "tree" });
  const members = Object.entries(Object(value));
  for (const [key, member] of members.slice(0, MAX_MEMBERS)) list.append(createMember(key, member, level));
  if (members.length > MAX_MEMBERS) {
    list.append(createElement("li", { class: "quiet" }, `… and ${members.length - MAX_MEMBERS} more`));
  }
  return list;
}

function createMember(key: string, value: unknown, level: number): HTMLElement {
  const name = createElement("span", { class: "key" }, key);
  if (typeof value !== "object" || value === null) {
    const text = value === undefined ? "undefined" : JSON.stringify(value);
    return createElement("li", { class: "leaf" }, name, ": ", createElement("span", { class: typeof value }, text));
  }
  const size = Object.keys(value).length;
  const summary = createElement(
    "summary",
    {},
    name,
    createElement("span", { class: "quiet" }, Array.isArray(value) ? ` [${size}]` : ` {${size}}`),
  );
  const details = createElement("details", {}, summary);
  const fill = (): void => void (details.childElementCount === 1 && details.append(createJsonTree(value, level + 1)));
  details.addEventListener("toggle", fill);
  if (level < OPEN_LEVELS && size <= 20) {
    fill();
    details.open = true;
  }
  return createElement("li", {}, details);
}
