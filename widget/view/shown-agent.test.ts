import { expect, test } from "vitest";
import { createShownAgent, type ViewContent } from "./shown-agent.ts";

function setUp() {
  const shown: ViewContent[] = [];
  const agent = createShownAgent((content) => shown.push(content));
  const announce = (type: string, payload?: object): void => agent.handleAnnouncement({ type, payload });
  const answer = (payload: object): void =>
    agent.handleSettlement({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload });
  return { agent, announce, answer, last: () => shown.at(-1), shown };
}

const availability = (version: number, status = "available") => ({ userId: 123, status, version });
const showing = (version: number, status: string, isStale = false) => ({
  kind: "availability",
  availability: availability(version, status),
  isStale,
});

test("follows the announcements about the agent of the latest request, and of no other agent", () => {
  const { announce, answer, last } = setUp();
  answer(availability(7));
  announce("USER.TEAMMATE_AVAILABILITY_CHANGED", { ...availability(8, "in_call"), updatedAt: 1 });
  expect(last()).toEqual(showing(8, "in_call"));
  announce("USER.AVAILABILITY_CHANGED", { ...availability(9, "offline"), updatedAt: 2 });
  announce("USER.TEAMMATE_AVAILABILITY_CHANGED", { ...availability(8, "in_call"), updatedAt: 1 });
  announce("USER.TEAMMATE_AVAILABILITY_CHANGED", { ...availability(10), userId: 124, updatedAt: 3 });
  expect(last()).toEqual(showing(9, "offline"));
});

test("is stale while the widget hears of no changes", () => {
  const { announce, answer, last } = setUp();
  answer(availability(7));
  announce("LIVE.STATE_CHANGED", { state: "stale", ageMs: 45_000 });
  expect(last()).toEqual(showing(7, "available", true));
  announce("LIVE.STATE_CHANGED", { state: "live", ageMs: 0 });
  expect(last()).toEqual(showing(7, "available"));
});

test("shows that the agent was removed, that the session has expired, and that a request failed", () => {
  const { agent, announce, answer, last } = setUp();
  answer(availability(7));
  announce("USER.AVAILABILITY_REMOVED", { userId: 123, version: 8 });
  expect(last()).toEqual({ kind: "removed" });
  announce("AUTH.SESSION_EXPIRED");
  expect(last()).toEqual({ kind: "expired" });
  agent.handleSettlement({
    type: "API.FETCH_USER_AVAILABILITY_REJECTED",
    payload: { error: {} },
    meta: { source: "bridge" },
  });
  expect(last()).toEqual({ kind: "failed" });
});

test("is empty after another connector or another agent has come, whatever is announced then", () => {
  const { agent, announce, answer, shown } = setUp();
  answer(availability(7));
  agent.clear();
  agent.clear();
  announce("USER.AVAILABILITY_CHANGED", { ...availability(9), updatedAt: 2 });
  announce("AUTH.SESSION_EXPIRED");
  expect(shown.slice(1)).toEqual([{ kind: "empty" }]);
});
