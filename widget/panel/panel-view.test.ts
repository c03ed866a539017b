import { expect, test } from "vitest";
import type { PanelActions, PanelModel } from "./panel-model.ts";
import { renderPanel } from "./panel-view.ts";
import type { AgentRow } from "./rows.ts";
import { en } from "./texts/en.ts";

const ACTIONS: PanelActions = {
  choose() {},
  search() {},
  select() {},
  retry() {},
  handleListKey() {},
  handleSearchKey() {},
};

const MODEL: PanelModel = {
  texts: en,
  language: "en",
  phase: "ready",
  isStale: false,
  own: { userId: 1, obstacle: undefined },
  ownRow: undefined,
  pending: undefined,
  failure: undefined,
  query: "",
  total: 0,
  callable: 0,
  rows: [],
  placed: [],
  height: 0,
  selection: undefined,
  hasFailedRequest: false,
};

/** Writes a template's markup with its values, without a document. */
function write(value: unknown): string {
  if (Array.isArray(value)) return value.map(write).join("");
  const { strings, values } = Object(value);
  if (Array.isArray(values) && strings === undefined) return writeRepeat(values);
  if (Array.isArray(strings)) return strings.map((text, index) => text + write(values[index])).join("");
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}

/** Writes the items of the directive `repeat`. */
function writeRepeat([items, , toTemplate]: readonly unknown[]): string {
  return Array.isArray(items) && typeof toTemplate === "function"
    ? items.map((item) => write(toTemplate(item))).join("")
    : "";
}

test.each([
  ["signed_out", false, "Agent 123: Unknown"],
  ["failed", false, "Agent 123: Unknown"],
  ["ready", true, "Agent 123: Removed"],
] as const)("in the phase %s, a selected agent without a status, removed: %s, reads %s", (phase, wasRemoved, text) => {
  const selection = { userId: 123, row: undefined, wasRemoved };
  expect(write(renderPanel({ ...MODEL, phase, selection }, ACTIONS))).toContain(text);
});

test("an agent has the place among all listed agents, most of whom are not in the document", () => {
  const row: AgentRow = {
    kind: "agent",
    availability: { userId: 7, status: "available", version: 1 },
    status: "available",
    reason: null,
    callable: true,
  };
  const placed = [{ row, top: 30, position: 7, setSize: 2_000 }];
  const text = write(renderPanel({ ...MODEL, total: 2_000, rows: [row], placed }, ACTIONS));
  expect(text).toMatch(/aria-posinset=7\s+aria-setsize=2000/);
});
