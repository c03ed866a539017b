import { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";
import { readSettings, SettingsError } from "../settings/settings.ts";
import { createReload, type ReloadOptions } from "./reload.ts";
import { holdHangups } from "./reload-on-signal.ts";

const NO_CHANGES = { added: [], removed: [], changed: [] };

/** A reload of settings that come one after the other, with the lines of its log. */
function setUp(read: () => ReturnType<typeof readSettings>, parts: Partial<ReloadOptions> = {}) {
  const lines: string[] = [];
  const note = (kind: string) => (text: unknown) => void lines.push(`${kind}: ${String(text)}`);
  const log = { line: note("line"), warning: note("warning"), error: note("error"), defect: note("defect") };
  const apply = vi.fn(() => NO_CHANGES);
  const settings = readSettings({ REDIS_URL: "redis://one" });
  const reload = createReload({ settings, read, apply, log, ...parts });
  return { reload, lines, apply };
}

test("names the variables whose new value needs a restart, once", () => {
  const read = () => readSettings({ REDIS_URL: "redis://two", JWT_ISSUER: "" });
  const { reload, lines } = setUp(read);
  expect([reload(), reload()]).toEqual(["reloaded", "reloaded"]);
  expect(lines).toEqual([
    "warning: REDIS_URL has changed: the gateway goes on with the former value until it is restarted",
    "line: Settings reloaded: no customer has changed",
    "line: Settings reloaded: no customer has changed",
  ]);
});

test("logs each problem of bad settings, and applies none", () => {
  const { reload, lines, apply } = setUp(() => {
    throw new SettingsError("GATEWAY_PORT: bad\nLOG_LEVEL: bad");
  });
  expect(reload()).toBe("rejected");
  expect(apply).not.toHaveBeenCalled();
  expect(lines).toEqual([
    "error: Reload rejected: GATEWAY_PORT: bad",
    "error: Reload rejected: LOG_LEVEL: bad",
    "error: Reload rejected: the gateway goes on with the settings that it has",
  ]);
});

test("logs warnings that are new", () => {
  const { reload, lines } = setUp(() => readSettings({ REDIS_URL: "redis://one", GATEWAY_PROT: "9" }));
  reload();
  reload();
  expect(lines.filter((line) => line.startsWith("warning: GATEWAY_PROT"))).toHaveLength(1);
});

test("tells its observer of the beginning and the end, also if it fails", () => {
  const stages: string[] = [];
  const observer = {
    onReloading: () => void stages.push("reloading"),
    onReloaded: (outcome: string) => void stages.push(outcome),
  };
  const { reload, lines } = setUp(
    () => {
      throw new TypeError("A defect");
    },
    { observer },
  );
  expect(reload()).toBe("rejected");
  expect(stages).toEqual(["reloading", "rejected"]);
  expect(lines).toEqual(["defect: TypeError: A defect"]);
});

test("holds a hangup back until the gateway has started, and then reloads at each", () => {
  const process = new EventEmitter();
  const hangups = holdHangups(process);
  process.emit("SIGHUP");
  process.emit("SIGHUP");
  const reload = vi.fn();
  hangups.reload({ reload });
  expect(reload).toHaveBeenCalledTimes(1);
  process.emit("SIGHUP");
  expect(reload).toHaveBeenCalledTimes(2);
  hangups.release();
  expect(process.listenerCount("SIGHUP")).toBe(0);
});
