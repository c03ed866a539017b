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
  const { tokenProvider } = setUp(() => "t1");
  const given = expect(tokenProvider.fetch(5_000)).rejects.toMatchObject(refused);
  tokenProvider.close();
  await given;
});

test("calls the page's function 20 times in 10 s at most, however often a widget asks", async () => {
  const fetchToken = vi.fn<FetchToken>(() => "t1");
  const { tokenProvider } = setUp(fetchToken);
  for (let call = 0; call < 20; call += 1) await tokenProvider.fetch(5_000);
  await expect(tokenProvider.fetch(5_000)).rejects.toMatchObject({ rejection: { code: "OVERLOADED" } });
  await vi.advanceTimersByTimeAsync(10_001);
  expect(await tokenProvider.fetch(5_000)).toEqual({ token: "t1" });
  expect(fetchToken).toHaveBeenCalledTimes(21);
});
