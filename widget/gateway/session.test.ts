import { expect, type Mock, onTestFinished, test, vi } from "vitest";
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import { createTokenSession, type TokenSession } from "./session.ts";
import { createTokenSource, type TokenSource } from "./token-source.ts";

interface SetUp {
  readonly session: TokenSession;
  readonly tokens: TokenSource;
  readonly onExpired: Mock;
  /** The tokens that the backend takes. */
  readonly accepted: Set<string | undefined>;
  /** Calls with whatever token there is. Resolves with the status. */
  readonly call: () => Promise<number>;
}

/** A page that gives the tokens in order, the last token again and again, or no token. */
function setUp(...given: readonly (string | undefined)[]): SetUp {
  const onExpired = vi.fn();
  const accepted = new Set<string | undefined>();
  let times = 0;
  const tokens = createTokenSource({
    post() {
      const token = given[Math.min(times, given.length - 1)];
      times += 1;
      return Promise.resolve({ type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token } });
    },
  });
  const session = createTokenSession(tokens, onExpired);
  const answer = (token: string | undefined): Promise<number> =>
    accepted.has(token) ? Promise.resolve(200) : Promise.reject(new BackendResponseError(401, {}));
  const call = () =>
    session
      .withToken(new AbortController().signal, answer)
      .catch((error: unknown) => (error instanceof BackendResponseError ? error.status : Promise.reject(error)));
  return { session, tokens, onExpired, accepted, call };
}

test("says nothing as long as the backend takes the token, or the one that comes after it", async () => {
  const { onExpired, accepted, call } = setUp("t1", "t2");
  accepted.add("t1");
  expect(await call()).toBe(200);
  accepted.delete("t1");
  accepted.add("t2");
  expect(await call()).toBe(200);
  expect(onExpired).not.toHaveBeenCalled();
});

test("says once that the session has expired, however many calls are refused", async () => {
  const { onExpired, call } = setUp("t1", "t2", "t3", "t4");
  expect(await Promise.all([call(), call(), call()])).toEqual([401, 401, 401]);
  expect(await call()).toBe(401);
  expect(onExpired).toHaveBeenCalledOnce();
});

test.each([
  ["gives the refused token again", ["t1", "t1"]],
  ["has no other token", ["t1", undefined]],
])("says that the session has expired where the page %s", async (_what, given) => {
  const { onExpired, call } = setUp(...given);
  expect(await call()).toBe(401);
  expect(onExpired).toHaveBeenCalledOnce();
});

test("says it again only after a token has been taken", async () => {
  const { onExpired, accepted, call } = setUp("t1", "t2", "t3", "t4", "t5");
  expect(await call()).toBe(401);
  accepted.add("t3");
  expect(await call()).toBe(200);
  expect(onExpired).toHaveBeenCalledTimes(1);
  accepted.clear();
  expect(await call()).toBe(401);
  expect(onExpired).toHaveBeenCalledTimes(2);
});

test("says nothing of the session of a page that never had a token", async () => {
  const { onExpired, call } = setUp(undefined);
  expect(await call()).toBe(401);
  expect(await call()).toBe(401);
  expect(onExpired).not.toHaveBeenCalled();
});

test("goes on for a page without a token that gets one, and says when that is taken no more", async () => {
  const { onExpired, accepted, call } = setUp(undefined, "t1", "t2");
  accepted.add("t1");
  expect(await call()).toBe(401);
  expect(await call()).toBe(200);
  accepted.clear();
  expect(await call()).toBe(401);
  expect(onExpired).toHaveBeenCalledOnce();
});

test("takes no other refusal for the end of the session", async () => {
  const { session, onExpired } = setUp("t1", "t2");
  const refuse = () => Promise.reject(new BackendResponseError(403, {}));
  await expect(session.withToken(new AbortController().signal, refuse)).rejects.toMatchObject({ status: 403 });
  expect(onExpired).not.toHaveBeenCalled();
});

test("does not take the late answer of an earlier call for the beginning of another session", async () => {
  const { session, onExpired, call } = setUp("t1", "t2", "t3");
  let answerLate = (): void => {};
  const early = session.withToken(
    new AbortController().signal,
    () => new Promise<void>((resolve) => (answerLate = resolve)),
  );
  expect(await call()).toBe(401);
  answerLate();
  await early;
  expect(await call()).toBe(401);
  expect(onExpired).toHaveBeenCalledOnce();
});

test("says that the session has expired where the page has no token any more once its own is due", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  onTestFinished(() => void vi.useRealTimers());
  const endingSoon = `e30.${btoa(JSON.stringify({ exp: 1_100 })).replaceAll("=", "")}.c2ln`;
  const { onExpired, accepted, call } = setUp(endingSoon, undefined);
  accepted.add(endingSoon);
  expect(await call()).toBe(200);
  vi.setSystemTime(1_080_000);
  expect(await call()).toBe(401);
  expect(onExpired).toHaveBeenCalledOnce();
});

test("says it to each page that comes", async () => {
  const { session, tokens, onExpired, call } = setUp("t1", "t1", "t2", "t2");
  expect(await call()).toBe(401);
  session.reset();
  tokens.clear();
  expect(await call()).toBe(401);
  expect(onExpired).toHaveBeenCalledTimes(2);
});

test("expires if the backend rejects the token and the page's function fails", async () => {
  const onExpired = vi.fn();
  const answers: unknown[] = [
    { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: "t1" } },
    { type: "HOST.FETCH_TOKEN_REJECTED", payload: { error: { code: "INTERNAL" } } },
  ];
  const session = createTokenSession(createTokenSource({ post: () => Promise.resolve(answers.shift()) }), onExpired);
  const call = session.withToken(new AbortController().signal, () => Promise.reject(new BackendResponseError(401, {})));
  await expect(call).rejects.toMatchObject({ status: 401 });
  expect(onExpired).toHaveBeenCalledOnce();
});

test("makes no call and does not expire while the page's function fails before there is a token", async () => {
  const onExpired = vi.fn();
  const answer = { type: "HOST.FETCH_TOKEN_REJECTED", payload: { error: { code: "INTERNAL" } } };
  const session = createTokenSession(createTokenSource({ post: () => Promise.resolve(answer) }), onExpired);
  const call = vi.fn(() => Promise.resolve());
  const calling = session.withToken(new AbortController().signal, call);
  await expect(calling).rejects.toMatchObject({ rejection: { code: "TOKEN_UNAVAILABLE" } });
  expect([call.mock.calls, onExpired.mock.calls]).toEqual([[], []]);
});

test("reports each accepted call, also one with the same token after the end of the session, and none from before the end", async () => {
  const { tokens, accepted } = setUp("t1");
  const onAccepted = vi.fn();
  const session = createTokenSession(tokens, () => {}, onAccepted);
  const { signal } = new AbortController();
  let answerLate = (): void => {};
  const early = session.withToken(signal, () => new Promise<void>((resolve) => (answerLate = resolve)));
  const call = (token: string | undefined) =>
    accepted.has(token) ? Promise.resolve() : Promise.reject(new BackendResponseError(401, {}));
  await expect(session.withToken(signal, call)).rejects.toMatchObject({ status: 401 });
  answerLate();
  await early;
  expect(onAccepted).not.toHaveBeenCalled();
  accepted.add("t1");
  await session.withToken(signal, call);
  expect(onAccepted).toHaveBeenCalledOnce();
});

test("takes an aborted call that resolves for no accepted one", async () => {
  const { tokens } = setUp("t1");
  const onAccepted = vi.fn();
  const session = createTokenSession(tokens, () => {}, onAccepted);
  const controller = new AbortController();
  await session.withToken(controller.signal, async () => controller.abort());
  expect(onAccepted).not.toHaveBeenCalled();
});

test("repeats a call that is refused after the session has ended and begun again with the same token, and does not end it", async () => {
  const { session, onExpired, accepted, call } = setUp("t1");
  let refuseLate = (): void => {};
  const late = vi.fn(() => Promise.resolve("answered"));
  late.mockReturnValueOnce(
    new Promise((_resolve, reject) => (refuseLate = () => reject(new BackendResponseError(401, {})))),
  );
  const calling = session.withToken(new AbortController().signal, late);
  expect(await call()).toBe(401);
  accepted.add("t1");
  expect(await call()).toBe(200);
  refuseLate();
  expect(await calling).toBe("answered");
  expect([late.mock.calls.length, onExpired.mock.calls.length]).toEqual([2, 1]);
});

/** A page that gives these tokens in turn. The backend accepts the last one, and answers one call late. */
function setUpLate(given: readonly (string | undefined)[]) {
  const { tokens } = setUp(...given);
  const onExpired = vi.fn();
  const session = createTokenSession(tokens, onExpired);
  const { signal } = new AbortController();
  const answer = (token: string | undefined): Promise<string> =>
    token === given.at(-1) ? Promise.resolve("answered") : Promise.reject(new BackendResponseError(401, {}));
  let release: (() => void) | undefined;
  return {
    onExpired,
    call: () => session.withToken(signal, answer),
    /** Calls, with the answer for this token held. Resolves when the backend has the call, with the pending result. */
    async callLate(held: string | undefined) {
      const result = session.withToken(signal, async (token) => {
        if (token === held) await new Promise<void>((resolve) => (release = resolve));
        return answer(token);
      });
      await vi.waitFor(() => expect(release).toBeDefined());
      return { result };
    },
    answerLate: () => release?.(),
  };
}

test.each([
  { held: "t1", given: ["t1", "t2"] },
  { held: "t2", given: ["t1", "t2", "t3"] },
  { held: undefined, given: [undefined, "t1"] },
])(
  "repeats a call with the token $held that is refused after a later one of $given is accepted, and does not end the session",
  async ({ held, given }) => {
    const { onExpired, callLate, call, answerLate } = setUpLate(given);
    const { result } = await callLate(held);
    expect(await call()).toBe("answered");
    answerLate();
    expect(await result).toBe("answered");
    expect(onExpired).not.toHaveBeenCalled();
  },
);

test("repeats a call that is refused while a call with the page's later token is pending, and does not end the session", async () => {
  const onExpired = vi.fn();
  const session = createTokenSession(setUp("t1", "t2", "t3").tokens, onExpired);
  const { signal } = new AbortController();
  const held = new Map<string | undefined, () => void>();
  const callHolding = (late: string) =>
    session.withToken(signal, async (token) => {
      if (token === late) await new Promise<void>((resolve) => held.set(token, resolve));
      if (token !== "t3") throw new BackendResponseError(401, {});
      return "answered";
    });
  const earlier = callHolding("t2");
  await vi.waitFor(() => expect(held.has("t2")).toBe(true));
  const latest = callHolding("t3");
  await vi.waitFor(() => expect(held.has("t3")).toBe(true));
  held.get("t2")?.();
  expect(await earlier).toBe("answered");
  held.get("t3")?.();
  expect(await latest).toBe("answered");
  expect(onExpired).not.toHaveBeenCalled();
});
