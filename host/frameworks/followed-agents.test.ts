import { expect, onTestFinished, test, vi } from "vitest";
import { RejectedError } from "../../shared/protocol/errors.ts";
import { followAgent, readAgent, UNKNOWN_YET } from "./followed-agents.ts";
import { createScriptedConnector } from "./test-scripted-connector.ts";

/** Starts a fake clock for timers and the monotonic clock. */
function fakeClock(): void {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
}

const available = { userId: 7, status: "available", version: 1 } as const;

test("an agent whom nobody follows is loading, and reading begins no watch", () => {
  const { connector, begun } = createScriptedConnector();
  expect(readAgent(connector, 7)).toBe(UNKNOWN_YET);
  expect(readAgent(undefined, 7)).toBe(UNKNOWN_YET);
  expect(readAgent(connector, undefined)).toBe(UNKNOWN_YET);
  expect(UNKNOWN_YET).toMatchObject({ state: "loading", reason: null, callable: false, stale: false });
  expect(begun).toEqual([]);
});

test("followers of an agent share a watch, are called with each change, and read the same object until the next one", () => {
  const { connector, begun, announce } = createScriptedConnector();
  const changes = [vi.fn(), vi.fn()] as const;
  onTestFinished(followAgent(connector, 7, changes[0]));
  onTestFinished(followAgent(connector, 7, changes[1]));
  expect(begun).toEqual([7]);
  announce(available);
  const first = readAgent(connector, 7);
  expect(first).toMatchObject({ state: "available", callable: true, stale: false, availability: available });
  expect(readAgent(connector, 7)).toBe(first);
  expect(changes.map((change) => change.mock.calls.length)).toEqual([1, 1]);
  announce({ userId: 7, status: "out_for_lunch", version: 2 });
  expect(readAgent(connector, 7)).toMatchObject({
    state: "do_not_disturb",
    reason: "out_for_lunch",
    callable: false,
    availability: { version: 2 },
  });
});

test("an agent becomes callable at the end of the wrap-up time, without news", () => {
  fakeClock();
  const { connector, announce } = createScriptedConnector();
  const onChange = vi.fn();
  onTestFinished(followAgent(connector, 7, onChange));
  announce({ ...available, wrapUpTimeConfig: 30, wrapUpTimeTtl: 20 });
  expect(readAgent(connector, 7)).toMatchObject({ state: "wrapping_up", callable: false });
  vi.advanceTimersByTime(19_999);
  expect(onChange).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(onChange).toHaveBeenCalledTimes(2);
  expect(readAgent(connector, 7)).toMatchObject({ state: "available", callable: true });
});

test("a stale agent keeps the availability and is not callable; one that is gone has none until the next", () => {
  const { connector, announce, report } = createScriptedConnector();
  onTestFinished(followAgent(connector, 7, () => {}));
  announce(available);
  report({ userId: 7, status: "stale", since: 5 });
  expect(readAgent(connector, 7)).toMatchObject({
    state: "available",
    callable: false,
    stale: true,
    since: 5,
    availability: available,
  });
  report({ userId: 7, status: "removed" });
  expect(readAgent(connector, 7)).toMatchObject({ state: "removed", stale: false, availability: undefined });
  announce({ ...available, version: 2 });
  expect(readAgent(connector, 7)).toMatchObject({ state: "available", callable: true, availability: { version: 2 } });
});

test("an agent who cannot be read has the error of the latest news", () => {
  const { connector, announce, report } = createScriptedConnector();
  onTestFinished(followAgent(connector, 7, () => {}));
  const errors = [503, 504].map((status) => new RejectedError("No answer", { retryable: true, status }));
  for (const error of errors) {
    report({ userId: 7, status: "error", ...(error && { error }) });
    expect(readAgent(connector, 7)).toMatchObject({ state: "error", callable: false });
    expect(readAgent(connector, 7).error).toBe(error);
  }
  announce(available);
  expect(readAgent(connector, 7)).toMatchObject({ state: "available", error: undefined });
});

test("the status tells an ended session from an unknown agent, and each change of it is a change", () => {
  const { connector, announce, report } = createScriptedConnector();
  const onChange = vi.fn();
  onTestFinished(followAgent(connector, 7, onChange));
  expect(readAgent(connector, 7).status).toBeUndefined();
  announce(available);
  expect(readAgent(connector, 7).status).toBe("live");
  for (const status of ["unknown-user", "session-expired"] as const) {
    onChange.mockClear();
    report({ userId: 7, status });
    expect(onChange).toHaveBeenCalledOnce();
    expect(readAgent(connector, 7)).toMatchObject({ state: "unknown", status, error: undefined });
  }
});

test("the watch lasts for 30 s after the last follower, and a new one within that time sees the agent at once", () => {
  fakeClock();
  const { connector, begun, watched, announce } = createScriptedConnector();
  followAgent(connector, 7, () => {})();
  vi.advanceTimersByTime(29_999);
  announce(available);
  expect(readAgent(connector, 7)).toMatchObject({ state: "available" });
  const unfollow = followAgent(connector, 7, () => {});
  vi.advanceTimersByTime(60_000);
  expect(begun).toEqual([7]);
  unfollow();
  vi.advanceTimersByTime(30_000);
  expect(watched()).toEqual([]);
  expect(readAgent(connector, 7)).toBe(UNKNOWN_YET);
});

test("at most 2,000 agents are watched when the last of many followers leave, since a page can watch 5,000", () => {
  fakeClock();
  const { connector, watched } = createScriptedConnector();
  const ends = Array.from({ length: 3_000 }, (_, index) => followAgent(connector, index + 1, () => {}));
  expect(watched()).toHaveLength(3_000);
  for (const end of ends) end();
  expect(watched()).toHaveLength(1_999);
});

test("agents of two connectors have nothing in common", () => {
  const [one, other] = [createScriptedConnector(), createScriptedConnector()];
  onTestFinished(followAgent(one.connector, 7, () => {}));
  onTestFinished(followAgent(other.connector, 7, () => {}));
  one.announce(available);
  expect(readAgent(one.connector, 7).state).toBe("available");
  expect(readAgent(other.connector, 7).state).toBe("loading");
});

test.each([0, -1, 1.5, Number.NaN])("throws for the user id %s, and follows nothing", (userId) => {
  const { connector, watched } = createScriptedConnector();
  expect(() => followAgent(connector, userId, () => {})).toThrow("userId: expected a whole number from 1");
  expect(watched()).toEqual([]);
  expect(readAgent(connector, userId)).toBe(UNKNOWN_YET);
});
