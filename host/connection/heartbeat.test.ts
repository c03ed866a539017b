import { expect, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { ping } from "./heartbeat.ts";

interface Patient {
  /** Mock of `post`. */
  readonly ask: () => Promise<unknown>;
  /** Mock of `onTimeout`. */
  readonly onSilence: () => void;
  /** Resolves the latest ping. */
  answer(): void;
  refuse(): void;
}

/** Pings a scripted widget with a timeout of 1,000 ms and a fake clock. */
function startProbe({ hidden = false }: { readonly hidden?: unknown } = {}): Patient {
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

test("sends a single ping, and times out exactly after the timeout", async () => {
  const { ask, onSilence } = startProbe();
  await vi.advanceTimersByTimeAsync(999);
  expect(onSilence).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onSilence).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onSilence).toHaveBeenCalledOnce();
  expect(ask).toHaveBeenCalledOnce();
});

test.each(["answer", "refuse"] as const)(
  "does not time out if the widget's reaction to the ping is: %s",
  async (sign) => {
    const patient = startProbe();
    await vi.advanceTimersByTimeAsync(999);
    patient[sign]();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(patient.onSilence).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  },
);

test("sends another ping instead of a timeout while the page is hidden", async () => {
  const { ask, onSilence } = startProbe({ hidden: true });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onSilence).not.toHaveBeenCalled();
  expect(ask).toHaveBeenCalledTimes(11);
  vi.stubGlobal("document", { hidden: false });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("times out on a page whose iframe named `hidden` hides the document's own property", async () => {
  // The property of the document is then the iframe's window.
  const { onSilence } = startProbe({ hidden: {} });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("times out if the timer fires a second late, as on a busy page", async () => {
  const { onSilence } = startProbe();
  const { now } = performance;
  vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + 1_000);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).toHaveBeenCalledOnce();
});

test.each([1_001, 60_000])("sends another ping instead of a timeout if the timer fires %d ms late", async (late) => {
  const { ask, onSilence } = startProbe();
  // The clock advances while no timer fires, as in a freeze.
  const { now } = performance;
  vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + late);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).not.toHaveBeenCalled();
  expect(ask).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(onSilence).toHaveBeenCalledOnce();
});
