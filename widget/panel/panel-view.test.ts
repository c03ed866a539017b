import { expect, test } from "vitest";
import type { PanelActions, PanelModel } from "./panel-model.ts";
import { renderPanel } from "./panel-view.ts";
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
  if (Array.isArray(strings)) return strings.map((text, index) => text + write(values[index])).join("");
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}

test.each([
  ["signed_out", false, "Agent 123: Unknown"],
  ["failed", false, "Agent 123: Unknown"],
  ["ready", true, "Agent 123: Removed"],
] as const)("in the phase %s, a selected agent without a status, removed: %s, reads %s", (phase, wasRemoved, text) => {
  const selection = { userId: 123, row: undefined, wasRemoved };
  expect(write(renderPanel({ ...MODEL, phase, selection }, ACTIONS))).toContain(text);
});
