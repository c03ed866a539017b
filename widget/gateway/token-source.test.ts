import { expect, type Mock, onTestFinished, test, vi } from "vitest";
import { type CountedTimers, createCountedTimers } from "../test/counted-timers.ts";
import { createTokenSource, type TokenSource } from "./token-source.ts";

interface Page {
  readonly tokens: TokenSource;
  readonly post: Mock;
  /** Gives a token to who has asked last. */
  give(token: unknown): void;
  /** The page's function fails. */
  fail(): void;
  readonly timers: CountedTimers;
}

/** A source with a page that replies on the test's command, on a stopped clock. */
function setUp(): Page {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  onTestFinished(() => void vi.useRealTimers());
  let answer: (value: unknown) => void = () => {};
  const post = vi.fn(
    () =>
      new Promise<unknown>((resolve) => {
        answer = resolve;
      }),
  );
  const timers = createCountedTimers();
  return {
    tokens: createTokenSource({ post, schedule: timers.schedule }),
    timers,
    post,
    give: (token) => answer({ type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token } }),
    fail: () =>
      answer({
        type: "HOST.FETCH_TOKEN_REJECTED",
        payload: { error: { code: "INTERNAL" } },
        meta: { source: "bridge" },
      }),
  };
}

const patient = new AbortController().signal;

function jwtEndingIn(seconds: number): string {
  const claims = Buffer.from(JSON.stringify({ exp: Date.now() / 1_000 + seconds })).toString("base64url");
  return `e30.${claims}.c2ln`;
}

test("asks the page once for all who ask at the same time, and for all who ask later", async () => {
  const { tokens, post, give } = setUp();
  tokens.prefetch();
  const both = [tokens.get(patient), tokens.get(patient)];
  give("t1");
  expect(await Promise.all(both)).toMatchObject([{ token: "t1" }, { token: "t1" }]);
  tokens.prefetch();
  expect(await tokens.get(patient)).toMatchObject({ token: "t1" });
  expect(post).toHaveBeenCalledExactlyOnceWith({ type: "HOST.FETCH_TOKEN", meta: { timeoutMs: 5_000 } });
});

test("asks a page that has said that it has no token once the backend has rejected a call, and not before", async () => {
  const { tokens, post, give } = setUp();
  tokens.prefetch(false);
  const none = await tokens.get(patient);
  expect(none.token).toBeUndefined();
  tokens.prefetch();
  expect(post).not.toHaveBeenCalled();
  const refreshed = tokens.refresh(none, patient);
  give("t1");
  expect(await refreshed).toMatchObject({ token: "t1" });
  expect(post).toHaveBeenCalledOnce();
});

test("asks the next page, although the last one has said that it has no token", () => {
  const { tokens, post } = setUp();
  tokens.prefetch(false);
  tokens.clear();
  tokens.prefetch();
  expect(post).toHaveBeenCalledOnce();
});

test("takes a page that says nothing for 5 s for one that has no token, and remembers it", async () => {
  const { tokens, post } = setUp();
  const heard = vi.fn();
  const taken = tokens.get(patient).then(heard);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(heard).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await taken;
  expect(heard).toHaveBeenCalledWith(expect.objectContaining({ token: undefined }));
  expect(await tokens.get(patient)).toMatchObject({ token: undefined });
  expect(post).toHaveBeenCalledOnce();
});

test.each<[string, () => Promise<unknown>]>([
  [
    "refuses",
    () => Promise.resolve({ type: "HOST.FETCH_TOKEN_REJECTED", payload: { error: { code: "UNKNOWN_EVENT" } } }),
  ],
  ["has no method", () => Promise.reject(new Error("Method `post` is not found"))],
  ["answers nothing", () => Promise.resolve(undefined)],
  ["answers another request", () => Promise.resolve({ type: "HOST.RESIZE_FULFILLED", payload: { token: "t1" } })],
  ["gives a token that no header can carry", () => Promise.resolve(fulfilled("t1\r\nx: y"))],
  ["gives an empty token", () => Promise.resolve(fulfilled(""))],
  ["gives a token of more than 8192 characters", () => Promise.resolve(fulfilled("t".repeat(8_193)))],
])("has no token of a page that %s, and waits no longer", async (_name, post) => {
  const tokens = createTokenSource({ post });
  expect(await tokens.get(patient)).toMatchObject({ token: undefined });
});

function fulfilled(token: string): unknown {
  return { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token } };
}

test("leaves no timer behind", async () => {
  const { tokens, give, timers } = setUp();
  const taken = tokens.get(patient);
  expect(timers.count()).toBe(1);
  give("t1");
  await taken;
  expect(timers.count()).toBe(0);
});

test("asks again 30 s before the token ends, and not before", async () => {
  const { tokens, post, give } = setUp();
  const first = jwtEndingIn(900);
  const taken = tokens.get(patient);
  give(first);
  await taken;
  await vi.advanceTimersByTimeAsync(869_999);
  expect(await tokens.get(patient)).toMatchObject({ token: first });
  expect(post).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(1);
  const both = [tokens.get(patient), tokens.get(patient)];
  give("t2");
  expect(await Promise.all(both)).toMatchObject([{ token: "t2" }, { token: "t2" }]);
  expect(post).toHaveBeenCalledTimes(2);
});

test("asks once anew for all whose token was refused, at once or one after the other", async () => {
  const { tokens, post, give } = setUp();
  const taken = tokens.get(patient);
  give("t1");
  const refused = await taken;
  const renewed = [tokens.refresh(refused, patient), tokens.refresh(refused, patient), tokens.get(patient)];
  give("t2");
  const [next] = await Promise.all(renewed);
  expect(next).toMatchObject({ token: "t2" });
  expect(await tokens.refresh(refused, patient)).toBe(next);
  expect(post).toHaveBeenCalledTimes(2);
});

test("forgets the token, and what the page before has yet to answer", async () => {
  const { tokens, post, give } = setUp();
  tokens.prefetch();
  const answerLate = give;
  tokens.clear();
  answerLate("t1");
  await vi.advanceTimersByTimeAsync(0);
  const taken = tokens.get(patient);
  expect(post).toHaveBeenCalledTimes(2);
  give("t2");
  expect(await taken).toMatchObject({ token: "t2" });
  tokens.clear();
  void tokens.get(patient);
  expect(post).toHaveBeenCalledTimes(3);
});

test("lets a caller leave while others wait on", async () => {
  const { tokens, give } = setUp();
  const leaver = new AbortController();
  const left = expect(tokens.get(leaver.signal)).rejects.toThrow("gone");
  const stays = tokens.get(patient);
  leaver.abort(new Error("gone"));
  await left;
  give("t1");
  expect(await stays).toMatchObject({ token: "t1" });
});

test("asks nothing for a caller that has left", async () => {
  const { tokens, post } = setUp();
  const gone = AbortSignal.abort(new Error("gone"));
  await expect(tokens.get(gone)).rejects.toThrow("gone");
  await expect(tokens.refresh({ token: "t1", receivedAt: 0, refreshAt: 0, endsAt: 0 }, gone)).rejects.toThrow("gone");
  expect(post).not.toHaveBeenCalled();
});

test("tells of each token that is another than the one before it, and not of one that the page gives again", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const given = ["t1", "t1", "t2", undefined, undefined, "t2"];
  const heard: unknown[] = [];
  const tokens = createTokenSource({
    post: () => Promise.resolve({ type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: given[asked] } }),
    onChange: () => heard.push(given[asked]),
  });
  let asked = 0;
  let credentials = await tokens.get(patient);
  for (asked = 1; asked < given.length; asked += 1) {
    // Past the pause that follows the same token.
    await vi.advanceTimersByTimeAsync(10_000);
    credentials = await tokens.refresh(credentials, patient);
  }
  expect(heard).toEqual(["t1", "t2", undefined, "t2"]);
});

test("tells a page that comes after another of its token, be it the same", async () => {
  const onChange = vi.fn();
  const post = () => Promise.resolve({ type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: "t1" } });
  const tokens = createTokenSource({ post, onChange });
  await tokens.get(patient);
  tokens.clear();
  await tokens.get(patient);
  expect(onChange).toHaveBeenCalledTimes(2);
});

const UNAVAILABLE = { rejection: { code: "TOKEN_UNAVAILABLE", retryable: true } };

test("keeps the token while the page fails to give another, until the token ends", async () => {
  const { tokens, post, give, fail } = setUp();
  const first = jwtEndingIn(60);
  const taken = tokens.get(patient);
  give(first);
  await taken;
  await vi.advanceTimersByTimeAsync(30_000);
  const renewing = tokens.get(patient);
  fail();
  expect(await renewing).toMatchObject({ token: first });
  expect(await tokens.get(patient)).toMatchObject({ token: first });
  expect(post).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(1_000);
  const again = tokens.get(patient);
  fail();
  expect(await again).toMatchObject({ token: first });
  expect(post).toHaveBeenCalledTimes(3);
  await vi.advanceTimersByTimeAsync(29_000);
  const late = tokens.get(patient);
  fail();
  await expect(late).rejects.toMatchObject(UNAVAILABLE);
});

test("rejects while the page's function fails and there is no token, and asks again after a pause of 1 s", async () => {
  const { tokens, post, give, fail } = setUp();
  for (let failures = 0; failures < 4; failures += 1) {
    const before = post.mock.calls.length;
    const asking = tokens.get(patient);
    fail();
    await expect(asking).rejects.toMatchObject(UNAVAILABLE);
    expect(post).toHaveBeenCalledTimes(before + 1);
    await vi.advanceTimersByTimeAsync(999);
    await expect(tokens.get(patient)).rejects.toMatchObject(UNAVAILABLE);
    expect(post).toHaveBeenCalledTimes(before + 1);
    await vi.advanceTimersByTimeAsync(1);
  }
  const asking = tokens.get(patient);
  give("t1");
  expect(await asking).toMatchObject({ token: "t1" });
});

test("does not call the backend without a token because the connector has no further call of the page's function", async () => {
  const rejection = { error: { code: "OVERLOADED", message: "The widget asks for tokens too often" } };
  const tokens = createTokenSource({
    post: () => Promise.resolve({ type: "HOST.FETCH_TOKEN_REJECTED", payload: rejection, meta: { source: "bridge" } }),
  });
  await expect(tokens.get(patient)).rejects.toMatchObject(UNAVAILABLE);
});

test.each([
  ["while the page has no usable token", undefined],
  ["while a token is in use", 60],
])("asks again after the pause although the wall clock has gone back an hour, %s", async (_state, lifeSeconds) => {
  const { tokens, post, give, fail } = setUp();
  if (lifeSeconds !== undefined) {
    const first = tokens.get(patient);
    give(jwtEndingIn(lifeSeconds));
    await first;
    await vi.advanceTimersByTimeAsync(30_000);
  }
  const failed = tokens.get(patient).catch(() => {});
  fail();
  await failed;
  const asked = post.mock.calls.length;
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(1_000);
  void tokens.get(patient).catch(() => {});
  expect(post).toHaveBeenCalledTimes(asked + 1);
});

test("does not fall back to a token that the backend has rejected", async () => {
  const { tokens, give, fail } = setUp();
  const taken = tokens.get(patient);
  give("t1");
  const renewing = tokens.refresh(await taken, patient);
  fail();
  await expect(renewing).rejects.toMatchObject(UNAVAILABLE);
});

test("ends a pause in time although the machine's wall clock is set back", async () => {
  const { tokens, post, give, fail } = setUp();
  const failing = tokens.get(patient);
  fail();
  await expect(failing).rejects.toMatchObject(UNAVAILABLE);
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(1_000);
  const asking = tokens.get(patient);
  expect(post).toHaveBeenCalledTimes(2);
  give("t1");
  expect(await asking).toMatchObject({ token: "t1" });
});

test("asks the page again after a pause if it has given no other token for one that the backend has rejected", async () => {
  const { tokens, post, give, fail } = setUp();
  const taken = tokens.get(patient);
  give("t1");
  const renewing = tokens.refresh(await taken, patient);
  fail();
  await expect(renewing).rejects.toMatchObject(UNAVAILABLE);
  await vi.advanceTimersByTimeAsync(1_000);
  const asking = tokens.get(patient);
  expect(post).toHaveBeenCalledTimes(3);
  give("t2");
  expect(await asking).toMatchObject({ token: "t2" });
});

test("asks the page again for a token that has ended, although the machine's wall clock is set back to before the end", async () => {
  const { tokens, post, give, fail } = setUp();
  const taken = tokens.get(patient);
  give(jwtEndingIn(60));
  await taken;
  await vi.advanceTimersByTimeAsync(60_000);
  const late = tokens.get(patient);
  fail();
  await expect(late).rejects.toMatchObject(UNAVAILABLE);
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(1_000);
  const asking = tokens.get(patient);
  expect(post).toHaveBeenCalledTimes(3);
  give("t2");
  expect(await asking).toMatchObject({ token: "t2" });
});

test("asks the page for another token after a rejection of an older one, if the one since has ended as well", async () => {
  const { tokens, post, give } = setUp();
  const first = tokens.get(patient);
  give(jwtEndingIn(60));
  const rejected = await first;
  const refetched = tokens.refetch();
  give(jwtEndingIn(90));
  await refetched;
  await vi.advanceTimersByTimeAsync(120_000);
  const renewing = tokens.refresh(rejected, patient);
  expect(post).toHaveBeenCalledTimes(3);
  give("t3");
  expect(await renewing).toMatchObject({ token: "t3" });
});

test("takes the silence of a page with our connector for a failure", async () => {
  const { tokens } = setUp();
  tokens.expectAnswers();
  const asking = tokens.get(patient);
  asking.catch(() => {});
  await vi.advanceTimersByTimeAsync(5_000);
  await expect(asking).rejects.toMatchObject(UNAVAILABLE);
});

test("asks a page that gives the rejected token again only after a pause", async () => {
  const { tokens, post, give } = setUp();
  const taken = tokens.get(patient);
  give("t1");
  const rejected = await taken;
  const renewing = tokens.refresh(rejected, patient);
  give("t1");
  const same = await renewing;
  expect(await tokens.refresh(same, patient)).toBe(same);
  expect(post).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(500);
  const again = tokens.refresh(same, patient);
  give("t2");
  expect(await again).toMatchObject({ token: "t2" });
});

test.each([
  ["gives the same token", ({ give }: Page, token: string) => give(token)],
  ["fails", ({ fail }: Page) => fail()],
])(
  "asks for another token as soon as the present one has ended, also in a pause because the page %s",
  async (_how, answer) => {
    const page = setUp();
    const { tokens, post, give } = page;
    const token = jwtEndingIn(60);
    const taken = tokens.get(patient);
    give(token);
    await taken;
    await vi.advanceTimersByTimeAsync(59_900);
    const renewing = tokens.get(patient);
    answer(page, token);
    expect(await renewing).toMatchObject({ token });
    expect(post).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(200);
    const asking = tokens.get(patient);
    expect(post).toHaveBeenCalledTimes(3);
    give("t2");
    expect(await asking).toMatchObject({ token: "t2" });
  },
);

test("asks at once when the page wants its token refreshed, also in a pause", async () => {
  const { tokens, post, give, fail } = setUp();
  const asking = tokens.get(patient);
  fail();
  await expect(asking).rejects.toMatchObject(UNAVAILABLE);
  const refreshing = tokens.refetch();
  give("t1");
  await refreshing;
  expect(await tokens.get(patient)).toMatchObject({ token: "t1" });
  expect(post).toHaveBeenCalledTimes(2);
});
