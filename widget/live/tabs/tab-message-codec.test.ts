import { expect, test } from "vitest";
import { parseChangedAvailability } from "../../gateway/changed-availability.ts";
import { createFeedEventParser } from "../stream/feed-event.ts";
import type { TabMessage } from "./tab-message.ts";
import { decodeMessage, encodeMessage } from "./tab-message-codec.ts";

const readEvent = createFeedEventParser(parseChangedAvailability);
const availability = { userId: 1, status: "in_call", version: 7, updatedAt: 5 } as const;

const NEWS: TabMessage = {
  type: "news",
  from: "a tab",
  term: 1,
  told: 2,
  slot: 0,
  sentAt: 3,
  events: [
    { type: "reset" },
    { type: "availability", availability, ageMs: 40, cursor: "a-1" },
    { type: "removal", userId: 2, version: 8 },
    { type: "current", cursor: "a-2" },
  ],
};

test.each<TabMessage>([
  { type: "hello", from: "a tab" },
  { type: "ping", from: "a tab" },
  { type: "bye", from: "a tab" },
  { type: "claim", from: "a tab", since: 1 },
  { type: "lead", from: "a tab", term: 1, told: 2, slot: undefined, cursor: "a-1" },
  NEWS,
  { ...NEWS, type: "snapshot" },
])("decodes a message of another tab: $type", (message) => {
  expect(decodeMessage(structuredClone(encodeMessage(message)), readEvent)).toEqual(message);
});

test.each<[string, unknown]>([
  ["null", null],
  ["a text", "hello"],
  ["a message without a sender", { type: "hello" }],
  ["a message of a later release", { type: "farewell", from: "a tab" }],
  ["a claim without a time", { type: "claim", from: "a tab" }],
  ["a leader without a term", { type: "lead", from: "a tab", told: 1 }],
  ["news without events", { ...NEWS, events: undefined }],
])("decodes no message from: %s", (_what, data) => {
  expect(decodeMessage(data, readEvent)).toBeUndefined();
});

const ofLaterRelease = JSON.stringify({ ...availability, status: "on_the_moon" });

test.each<[string, unknown]>([
  ["of a later release", { name: "rename", data: "{}", ageMs: 0 }],
  ["with a status of a later release", { name: "availability", data: ofLaterRelease, ageMs: 0 }],
  ["with malformed data", { name: "availability", data: "{", ageMs: 0 }],
  ["without an age", { name: "reset", data: "{}" }],
])("decodes only the leadership from a leader's message with an event %s", (_what, event) => {
  const { type: _type, events: _events, sentAt: _sentAt, ...leadership } = NEWS;
  const posted = { ...NEWS, events: [{ name: "reset", data: "{}", ageMs: 0 }, event] };
  expect(decodeMessage(posted, readEvent)).toEqual({ ...leadership, type: "lead" });
});
