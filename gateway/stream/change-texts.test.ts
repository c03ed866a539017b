import { expect, test } from "vitest";
import type { StoredAgent } from "../store/agent.ts";
import type { Change } from "../store/change-history.ts";
import { createChangeTexts } from "./change-texts.ts";

const AGENT: StoredAgent = { userId: 1, status: "available", version: 2, updatedAt: 0 };

test("formats a change once for all who miss the change", () => {
  const texts = createChangeTexts(() => 0);
  const changes: readonly Change[] = [
    { cursor: "e:1", agent: AGENT },
    { cursor: "e:2", removedUserId: 2, version: 5 },
  ];
  expect(texts.countMissing(changes)).toBe(2);
  const written = changes.map(texts.format);
  expect(written).toEqual([
    'event: availability\nid: e:1\ndata: {"userId":1,"status":"available","version":2,"updatedAt":0}\n\n',
    'event: removal\nid: e:2\ndata: {"userId":2,"version":5}\n\n',
  ]);
  expect(texts.countMissing(changes)).toBe(0);
  expect(changes.map(texts.format)).toEqual(written);
  texts.clear();
  expect(texts.countMissing(changes)).toBe(2);
});

test("formats a running wrap-up time anew after a second", () => {
  let nowMs = 0;
  const texts = createChangeTexts(() => nowMs);
  const change = { cursor: "e:1", agent: { ...AGENT, wrapUp: { configuredSeconds: 30, endsAtMs: 30_000 } } };
  expect(texts.format(change)).toContain('"wrapUpTimeTtl":30');
  nowMs = 999;
  expect(texts.countMissing([change])).toBe(0);
  nowMs = 10_000;
  expect(texts.countMissing([change])).toBe(1);
  expect(texts.format(change)).toContain('"wrapUpTimeTtl":20');
});
