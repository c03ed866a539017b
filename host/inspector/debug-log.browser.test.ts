/** The debug log of a page's console. */
import { expect, test } from "vitest";
import type { Connector, ConnectorRecord } from "../connector.ts";
import { startDebugLog } from "./debug-log.ts";

/** A connector whose records the test makes, and the lines of the log. */
function setUp(earlier: readonly ConnectorRecord[] = []) {
  const observers = new Set<(record: ConnectorRecord) => void>();
  const lines: unknown[] = [];
  const connector = {
    state: "ready",
    observe(observer: (record: ConnectorRecord) => void) {
      observers.add(observer);
      return () => observers.delete(observer);
    },
    onLiveChange: () => () => {},
  } as unknown as Connector;
  startDebugLog(connector, earlier, {
    groupCollapsed: (line: unknown) => lines.push(["group", line]),
    log: (line: unknown) => lines.push(line),
    groupEnd: () => lines.push("end"),
  });
  return {
    lines,
    observers,
    emit(record: ConnectorRecord) {
      for (const observer of observers) observer(record);
    },
  };
}

const ASK = {
  type: "API.FETCH_USER_AVAILABILITY",
  payload: { variables: { userId: 123 } },
  meta: { id: "marta-1", timeoutMs: 10_000 },
};

test("an event is a group with its JSON, redacted; a change of the connection is a line", () => {
  const { lines, emit } = setUp([{ kind: "state", at: 0, state: "ready" }]);
  emit({ kind: "sent", at: 1, event: ASK });
  const settlement = {
    type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
    payload: { userId: 123, status: "available", version: 7, name: "Marta" },
    meta: { id: "marta-1" },
  } as const;
  emit({ kind: "settled", at: 2, event: ASK, settlement, durationMs: 8.44 });
  expect(lines).toEqual([
    "availability-bridge · Connector ready ",
    ["group", "availability-bridge → API.FETCH_USER_AVAILABILITY r1"],
    {
      type: ASK.type,
      payload: { variables: { userId: 1 } },
      meta: { id: "r1", timeoutMs: 10_000 },
    },
    "end",
    ["group", "availability-bridge ← API.FETCH_USER_AVAILABILITY_FULFILLED r1 8.4 ms"],
    { type: settlement.type, payload: { userId: 1, status: "available", version: 7 }, meta: { id: "r1" } },
    "end",
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/marta/i);
});

test("says when a request is sent again to the next widget", () => {
  const { lines, emit } = setUp();
  for (const at of [1, 2]) emit({ kind: "sent", at, event: ASK });
  expect(lines.filter((line) => Array.isArray(line))[1]).toEqual([
    "group",
    "availability-bridge → API.FETCH_USER_AVAILABILITY r1 sent again (2)",
  ]);
});

test("notices a handshake of a widget, in a shadow root too, and no message of another kind or of another frame", async () => {
  const { lines } = setUp();
  const post = (message: object): string => `parent.postMessage(${JSON.stringify(message)}, "*");`;
  const createFrame = (...messages: readonly object[]): HTMLIFrameElement => {
    const frame = document.createElement("iframe");
    frame.srcdoc = `<script>${messages.map(post).join("")}</script>`;
    return frame;
  };
  const syn = { namespace: "penpal", type: "SYN", participantId: "secret" };
  const other = createFrame(syn);
  const loaded = new Promise((resolve) => {
    other.onload = resolve;
  });
  const host = document.createElement("div");
  document.body.append(other, host);
  await loaded;
  host.attachShadow({ mode: "open" }).append(createFrame({ type: "SYN" }, { namespace: "penpal", type: "CALL" }, syn));
  await expect.poll(() => lines).toEqual(["availability-bridge ← Handshake SYN "]);
  host.remove();
  other.remove();
});

test("stops when the connector is destroyed", async () => {
  const { observers, emit } = setUp();
  expect(observers.size).toBe(1);
  emit({ kind: "state", at: 1, state: "closed" });
  await expect.poll(() => observers.size).toBe(0);
});

test("a log that starts after the end of its connector stops at once", async () => {
  const { observers } = setUp([{ kind: "state", at: 1, state: "closed" }]);
  await expect.poll(() => observers.size).toBe(0);
});
