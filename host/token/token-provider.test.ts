import { expect, type Mock, onTestFinished, test, vi } from "vitest";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { createTokenProvider, type FetchToken, type TokenProvider } from "./token-provider.ts";

/** A page's function in time that stands still, and what is reported in the page. */
function setUp(fetchToken: FetchToken): { readonly tokenProvider: TokenProvider; readonly report: Mock } {
  vi.useFakeTimers();
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  return { tokenProvider: createTokenProvider(fetchToken, createTimerQueue()), report };
}

const refused = { rejection: { code: "INTERNAL", message: expect.stringMatching(/^fetchToken gave no token/) } };

test.each<[string, FetchToken]>([
  ["returns", () => "t1"],
  ["resolves with", () => Promise.resolve("t1")],
])("gives the token that the page's function %s", async (_how, fetchToken) => {
  const { tokenProvider } = setUp(fetchToken);
  expect(await tokenProvider.fetch(5_000)).toEqual({ token: "t1" });
});

const secret = new Error("could not sign s3cret");

test.each<[string, FetchToken]>([
  [
    "throws",
    () => {
      throw secret;
    },
  ],
  ["rejects", () => Promise.reject(secret)],
])("reports in the page what its function %s, and says nothing of it to the widget", async (_how, fetchToken) => {
  const { tokenProvider, report } = setUp(fetchToken);
  const given = tokenProvider.fetch(5_000);
  await expect(given).rejects.toMatchObject(refused);
  await expect(given).rejects.not.toThrow("s3cret");
  expect(report).toHaveBeenCalledExactlyOnceWith(secret);
});

test.each([undefined, null, 1, {}, "", "s3cret token", "s3cret\n", `s3cret${"t".repeat(8_192)}`])(
  "says what it expected instead of %j, and not what it got",
  async (token) => {
    const { tokenProvider, report } = setUp(() => token as string);
    await expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(refused);
    expect(report).toHaveBeenCalledExactlyOnceWith(
      new TypeError("fetchToken: expected a bearer token of 1 to 8192 characters"),
    );
  },
);

test("calls the page's function once at a time, however often the widget asks", async () => {
  let give = (_token: string): void => {};
  const fetchToken = vi.fn<FetchToken>(
    () =>
      new Promise((resolve) => {
        give = resolve;
      }),
  );
  const { tokenProvider } = setUp(fetchToken);
  const answers = [tokenProvider.fetch(5_000), tokenProvider.fetch(5_000)];
  give("t1");
  expect(await Promise.all(answers)).toEqual([{ token: "t1" }, { token: "t1" }]);
  const later = tokenProvider.fetch(5_000);
  give("t2");
  expect(await later).toEqual({ token: "t2" });
  expect(fetchToken).toHaveBeenCalledTimes(2);
});

test("aborts a function that takes longer than the widget waits, and asks it anew the next time", async () => {
  const signals: AbortSignal[] = [];
  const { tokenProvider, report } = setUp(({ signal }) => {
    signals.push(signal);
    return signals.length > 1 ? "t2" : new Promise(() => {});
  });
  const given = expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(refused);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(signals[0]?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await given;
  expect(signals[0]?.aborted).toBe(true);
  expect(report).toHaveBeenCalledExactlyOnceWith(new Error("fetchToken: expected a token within 5000 ms"));
  expect(await tokenProvider.fetch(5_000)).toEqual({ token: "t2" });
});

test("aborts the function when it is closed, and reports nothing of what becomes of it", async () => {
  const { tokenProvider, report } = setUp(
    ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  );
  const given = expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(refused);
  tokenProvider.close();
  await given;
  expect(report).not.toHaveBeenCalled();
});

test("gives no token that the function has resolved with in the task that closes it", async () => {
  const token = Promise.resolve("t1");
  const { tokenProvider } = setUp(() => token);
  const given = expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(refused);
  void token.then(() => tokenProvider.close());
  await given;
});

test("does not abort a call at the end of an earlier call's timeout", async () => {
  let calls = 0;
  const { tokenProvider } = setUp(() => {
    calls += 1;
    return calls === 1 ? "t1" : new Promise((resolve) => setTimeout(() => resolve("t2"), 4_000));
  });
  await tokenProvider.fetch(5_000);
  await vi.advanceTimersByTimeAsync(3_000);
  const given = tokenProvider.fetch(5_000);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(await given).toEqual({ token: "t2" });
});

test("calls the page's function 20 times in 10 s at most, however often a widget asks", async () => {
  const fetchToken = vi.fn<FetchToken>(() => "t1");
  const { tokenProvider, report } = setUp(fetchToken);
  await vi.advanceTimersByTimeAsync(1);
  for (let call = 0; call < 20; call += 1) await tokenProvider.fetch(5_000);
  const overloaded = { rejection: { code: "OVERLOADED", message: "The widget asks for tokens too often" } };
  await expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(overloaded);
  await vi.advanceTimersByTimeAsync(10_000);
  await expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(overloaded);
  expect(report).toHaveBeenCalledOnce();
  expect(report.mock.calls[0]).toMatchObject([overloaded]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await tokenProvider.fetch(5_000)).toEqual({ token: "t1" });
  expect(fetchToken).toHaveBeenCalledTimes(21);
});

/** A page's function whose calls the test settles, the oldest first. */
function createDeferredFunction() {
  const calls: { readonly signal: AbortSignal; give(token: string): void; fail(error: Error): void }[] = [];
  const fetchToken = vi.fn<FetchToken>(
    ({ signal }) =>
      new Promise((give, fail) => {
        calls.push({ signal, give, fail });
      }),
  );
  return { fetchToken, calls };
}

test("gives the token of an early call to the first question alone, whether or not the token is there by then", async () => {
  const { fetchToken, calls } = createDeferredFunction();
  const { tokenProvider } = setUp(fetchToken);
  tokenProvider.prefetch();
  const early = tokenProvider.fetch(5_000);
  calls[0]?.give("t1");
  expect(await early).toEqual({ token: "t1" });
  const second = tokenProvider.fetch(5_000);
  expect(fetchToken).toHaveBeenCalledTimes(2);
  calls[1]?.give("t2");
  expect(await second).toEqual({ token: "t2" });

  const settled = setUp(() => "t3").tokenProvider;
  settled.prefetch();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await settled.fetch(5_000)).toEqual({ token: "t3" });
});

test("makes one early call, and none after the widget has asked", async () => {
  const fetchToken = vi.fn<FetchToken>(() => "t1");
  const { tokenProvider } = setUp(fetchToken);
  tokenProvider.prefetch();
  tokenProvider.prefetch();
  await tokenProvider.fetch(5_000);
  tokenProvider.prefetch();
  expect(fetchToken).toHaveBeenCalledOnce();
});

test("reports the failure of an early call once, and asks anew for the first question", async () => {
  const { fetchToken, calls } = createDeferredFunction();
  const { tokenProvider, report } = setUp(fetchToken);
  tokenProvider.prefetch();
  calls[0]?.fail(secret);
  await vi.advanceTimersByTimeAsync(0);
  expect(report).toHaveBeenCalledExactlyOnceWith(secret);
  const given = tokenProvider.fetch(5_000);
  calls[1]?.give("t2");
  expect(await given).toEqual({ token: "t2" });
  expect(report).toHaveBeenCalledOnce();
  expect(fetchToken).toHaveBeenCalledTimes(2);
});

test("gives the failure of an early call to a question that has come before, and reports it once", async () => {
  const { fetchToken, calls } = createDeferredFunction();
  const { tokenProvider, report } = setUp(fetchToken);
  tokenProvider.prefetch();
  const given = expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(refused);
  calls[0]?.fail(secret);
  await given;
  expect(fetchToken).toHaveBeenCalledOnce();
  expect(report).toHaveBeenCalledExactlyOnceWith(secret);
});

test("aborts an early call after 5 s, and says so in the page", async () => {
  const { fetchToken, calls } = createDeferredFunction();
  const { tokenProvider, report } = setUp(fetchToken);
  tokenProvider.prefetch();
  await vi.advanceTimersByTimeAsync(4_999);
  expect(calls[0]?.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(calls[0]?.signal.aborted).toBe(true);
  expect(report).toHaveBeenCalledExactlyOnceWith(new Error("fetchToken: expected a token within 5000 ms"));
});

test.each(["pending", "settled"])(
  "drops an early call that is %s without a report, and asks anew",
  async (condition) => {
    const { fetchToken, calls } = createDeferredFunction();
    const { tokenProvider, report } = setUp(fetchToken);
    tokenProvider.prefetch();
    if (condition === "settled") calls[0]?.give("last-agent");
    await vi.advanceTimersByTimeAsync(0);
    tokenProvider.forget();
    await vi.advanceTimersByTimeAsync(0);
    const given = tokenProvider.fetch(5_000);
    calls[0]?.give("last-agent");
    calls[1]?.give("t2");
    expect(await given).toEqual({ token: "t2" });
    expect(report).not.toHaveBeenCalled();
  },
);

test("calls the page's function anew for a question in the task that drops a pending early call, and shares the new call alone", async () => {
  const { fetchToken, calls } = createDeferredFunction();
  const { tokenProvider, report } = setUp(fetchToken);
  tokenProvider.prefetch();
  tokenProvider.forget();
  const first = tokenProvider.fetch(5_000);
  // The end of the dropped call follows in a microtask.
  await vi.advanceTimersByTimeAsync(0);
  const second = tokenProvider.fetch(5_000);
  expect(calls).toHaveLength(2);
  calls[1]?.give("t2");
  expect(await Promise.all([first, second])).toEqual([{ token: "t2" }, { token: "t2" }]);
  expect(report).not.toHaveBeenCalled();
});

test("drops no call for which the widget has asked", async () => {
  const { fetchToken, calls } = createDeferredFunction();
  const { tokenProvider } = setUp(fetchToken);
  tokenProvider.prefetch();
  const given = tokenProvider.fetch(5_000);
  tokenProvider.forget();
  calls[0]?.give("t1");
  expect(await given).toEqual({ token: "t1" });
  expect(fetchToken).toHaveBeenCalledOnce();
});

test("aborts an early call when it is closed, and reports nothing", async () => {
  const { fetchToken, calls } = createDeferredFunction();
  const { tokenProvider, report } = setUp(fetchToken);
  tokenProvider.prefetch();
  tokenProvider.close();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(calls[0]?.signal.aborted).toBe(true);
  expect(report).not.toHaveBeenCalled();
});
