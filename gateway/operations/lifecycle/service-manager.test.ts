import { expect, onTestFinished, test, vi } from "vitest";
import { createServiceManager } from "./service-manager.ts";

function setUp(environment: Readonly<Record<string, string>>, isFailing = false) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const messages: string[] = [];
  const warnings: string[] = [];
  const manager = createServiceManager({
    environment,
    print: (line) => void warnings.push(line),
    async send(message) {
      if (isFailing) throw new Error("spawn systemd-notify ENOENT");
      messages.push(message.join(" "));
    },
  });
  return { manager, messages, warnings };
}

const SOCKET = { NOTIFY_SOCKET: "/run/systemd/notify" };

test("tells systemd when it is ready, reads its settings again, and stops", async () => {
  const { manager, messages } = setUp(SOCKET);
  manager.ready();
  manager.reloading();
  manager.ready();
  manager.stopping();
  await vi.advanceTimersByTimeAsync(0);
  expect(messages).toEqual([
    "READY=1",
    expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+$/),
    "READY=1",
    "STOPPING=1",
  ]);
});

test("sends the watchdog's message twice within its time, once it is ready, and until the process ends", async () => {
  const { manager, messages } = setUp({ ...SOCKET, WATCHDOG_USEC: "60000000" });
  await vi.advanceTimersByTimeAsync(120_000);
  expect(messages).toEqual([]);
  manager.ready();
  manager.ready();
  await vi.advanceTimersByTimeAsync(60_000);
  manager.stopping();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(messages).toEqual(["READY=1", "READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1", "WATCHDOG=1"]);
});

test("sends nothing without systemd", () => {
  const { manager, messages } = setUp({ WATCHDOG_USEC: "60000000" });
  manager.ready();
  manager.stopping();
  expect([messages, vi.getTimerCount()]).toEqual([[], 0]);
});

test("warns the operator once if systemd cannot be told", async () => {
  const { manager, warnings } = setUp({ ...SOCKET, WATCHDOG_USEC: "2000000" }, true);
  manager.ready();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(warnings).toEqual([
    "systemd-notify has failed, so systemd takes the gateway for one that hangs: Error: spawn systemd-notify ENOENT",
  ]);
});
