import { expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { ping } from "./heartbeat.ts";

interface Patient {
  /** How often it has been asked. */
  readonly ask: () => Promise<unknown>;
  /** Hears that it gave no sign of life. */
  readonly onSilence: () => void;
  /** Answers what it was asked last. */
  answer(): void;
  refuse(): void;
}

/** A widget that is probed for a second, on a page whose time stands still. */
function startProbe({ hidden = false } = {}): Patient {
  vi.useFakeTimers();
  vi.stubGlobal("document", { hidden });
  onTestFinished(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  let answer = (): void => {};
  let refuse = (): void => {};
  const ask = vi.fn(
    () =>
      new Promise<void>((resolve, reject) => {
        answer = resolve;
        refuse = () => reject(new Error("refused"));
      }),
  );
  const onSilence = vi.fn();
  ping(createTimerQueue(), 1_000, ask, onSilence);
  return { ask, onSilence, answer: () => answer(), refuse: () => refuse() };
}

test("asks once, and calls silence what lasts as long as it was told, and not a millisecond less", async () => {
  const { ask, onSilence } = startProbe();
  await vi.advanceTimersByTimeAsync(999);
  expect(onSilence).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onSilence).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onSilence).toHaveBeenCalledOnce();
  expect(ask).toHaveBeenCalledOnce();
});

test.each(["answer", "refuse"] as const)("takes it for a sign of life when the widget does %s", async (sign) => {
  const patient = startProbe();
  await vi.advanceTimersByTimeAsync(999);
  patient[sign]();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(patient.onSilence).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("makes nothing of silence while the page is hidden, and asks again until it is not", async () => {
  const { ask, onSilence } = startProbe({ hidden: true });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onSilence).not.toHaveBeenCalled();
  expect(ask).toHaveBeenCalledTimes(11);
  vi.stubGlobal("document", { hidden: false });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("makes nothing of silence where its own alarm is late, as after a freeze, and asks once more", async () => {
  const { ask, onSilence } = startProbe();
  // The clock goes on while no timer fires.
  const { now } = performance;
  vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + 60_000);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).not.toHaveBeenCalled();
  expect(ask).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).toHaveBeenCalledOnce();
});
