import fc from "fast-check";
import * as v from "valibot";
import { expect, onTestFinished, test, vi } from "vitest";
import { bus } from "../contracts/bus.ts";
import { request } from "../contracts/contract.ts";
import { MAX_IN_FLIGHT, type Settlement } from "../protocol/envelope.ts";
import { BackendResponseError } from "../protocol/rejection.ts";
import { createDispatcher, type Dispatcher } from "./dispatch.ts";

const contract = {
  "BUS.CANCEL": bus["BUS.CANCEL"],
  "TEST.ECHO": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.HANG": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.TRACE": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.THROW": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.DEAF": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.LEAVE": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.MISSING": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
};

function setUp(): Dispatcher & { signals: AbortSignal[]; defects: unknown[] } {
  const signals: AbortSignal[] = [];
  const defects: unknown[] = [];
  const dispatcher = createDispatcher({
    contract,
    services: {},
    onDefect: (error) => defects.push(error),
    handlers: {
      "BUS.CANCEL": ({ id }, _services, { cancel }) => ({ cancelled: cancel(id) }),
      "TEST.ECHO": (payload) => payload ?? null,
      "TEST.HANG": (_payload, _services, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
      "TEST.TRACE": (_payload, _services, { traceparent }) => traceparent ?? "none",
      "TEST.THROW": () => {
        throw new Error("the password is hunter2");
      },
      "TEST.DEAF": () => new Promise(() => {}),
      "TEST.LEAVE": (_payload, _services, { signal }) => void signals.push(signal),
      "TEST.MISSING": () => {
        throw new BackendResponseError(404, { detail: "no such agent" });
      },
    },
  });
  return { ...dispatcher, signals, defects };
}

function rejection(type: string, code: string, id?: string): unknown {
  return {
    type: `${type}_REJECTED`,
    payload: { error: expect.objectContaining({ code, message: expect.any(String), retryable: expect.any(Boolean) }) },
    meta: { ...(id && { id }), source: "bridge" },
  };
}

const cancelling = (id: string) => ({ type: "BUS.CANCEL", payload: { id } });

test.each(["TEST.NONE", "toString", "constructor", "__proto__", "hasOwnProperty", "", "TEST.ECHO_FULFILLED"])(
  "rejects %j as an event that nobody knows",
  async (type) => {
    const { dispatch } = setUp();
    expect(await dispatch({ type, meta: { id: "a" } })).toEqual(rejection(type, "UNKNOWN_EVENT", "a"));
  },
);

test("aborts a cancelled request down to its handler and settles it as aborted", async () => {
  const { dispatch, signals } = setUp();
  const hanging = dispatch({ type: "TEST.HANG", meta: { id: "a" } });
  expect(await dispatch(cancelling("a"))).toEqual({ type: "BUS.CANCEL_FULFILLED", payload: { cancelled: true } });
  expect(await hanging).toEqual(rejection("TEST.HANG", "ABORTED", "a"));
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test("cancels a request whose handler does not look at its signal", async () => {
  const { dispatch } = setUp();
  const hanging = dispatch({ type: "TEST.DEAF", meta: { id: "a" } });
  expect((await dispatch(cancelling("a"))).payload).toEqual({ cancelled: true });
  expect(await hanging).toEqual(rejection("TEST.DEAF", "ABORTED", "a"));
});

test("knows no event that has an entry and no handler", async () => {
  const { dispatch } = createDispatcher({ contract, services: {}, onDefect: () => {}, handlers: {} as never });
  expect(await dispatch({ type: "TEST.ECHO" })).toEqual(rejection("TEST.ECHO", "UNKNOWN_EVENT"));
});

test("says that there was nothing to cancel where no request in flight has the id", async () => {
  const { dispatch } = setUp();
  await dispatch({ type: "TEST.ECHO", payload: 1, meta: { id: "settled" } });
  for (const id of ["never", "settled"]) {
    expect((await dispatch(cancelling(id))).payload).toEqual({ cancelled: false });
  }
});

test("refuses an id that is in flight and leaves the request that has it alone", async () => {
  const { dispatch, signals } = setUp();
  void dispatch({ type: "TEST.HANG", meta: { id: "a" } });
  expect(await dispatch({ type: "TEST.ECHO", payload: 1, meta: { id: "a" } })).toEqual(
    rejection("TEST.ECHO", "INVALID_REQUEST", "a"),
  );
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  expect((await dispatch(cancelling("a"))).payload).toEqual({ cancelled: true });
});

test("accepts an id again once its request has settled", async () => {
  const { dispatch } = setUp();
  const echo = { type: "TEST.ECHO", payload: 1, meta: { id: "a" } };
  const fulfilled = { type: "TEST.ECHO_FULFILLED", payload: 1, meta: { id: "a" } };
  expect([await dispatch(echo), await dispatch(echo)]).toEqual([fulfilled, fulfilled]);
});

test("is overloaded at the limit, still cancels, and has room again afterwards", async () => {
  const { dispatch } = setUp();
  const hanging = Array.from({ length: MAX_IN_FLIGHT }, (_, at) =>
    dispatch({ type: "TEST.HANG", meta: { id: `h${at}` } }),
  );
  const echo = { type: "TEST.ECHO", payload: 1 };
  expect(await dispatch(echo)).toEqual(rejection("TEST.ECHO", "OVERLOADED"));
  expect((await dispatch(cancelling("h0"))).payload).toEqual({ cancelled: true });
  expect(await hanging[0]).toEqual(rejection("TEST.HANG", "ABORTED", "h0"));
  expect(await dispatch(echo)).toEqual({ type: "TEST.ECHO_FULFILLED", payload: 1 });
});

test.each([
  [{ timeoutMs: 1 }, 1],
  [{ timeoutMs: 120_000 }, 120_000],
  [{}, 10_000],
])("bounds a handler's work by the life in %j", async (meta, lifeMs) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { dispatch, signals } = setUp();
  const settled = vi.fn();
  const hanging = dispatch({ type: "TEST.HANG", meta });
  void hanging.then(settled);
  await vi.advanceTimersByTimeAsync(lifeMs - 1);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledExactlyOnceWith(rejection("TEST.HANG", "BACKEND_TIMEOUT"));
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([0, 120_001, 1.5, "10", null])("refuses %j as a request's life", async (timeoutMs) => {
  const { dispatch } = setUp();
  expect(await dispatch({ type: "TEST.ECHO", meta: { timeoutMs } })).toEqual(rejection("TEST.ECHO", "INVALID_REQUEST"));
});

test("reports a handler's defect on its own side and keeps its text there", async () => {
  const { dispatch, defects } = setUp();
  const settlement = await dispatch({ type: "TEST.THROW", meta: { id: "a" } });
  expect(settlement).toEqual(rejection("TEST.THROW", "INTERNAL", "a"));
  expect(JSON.stringify(settlement)).not.toContain("hunter2");
  expect(defects).toEqual([new Error("the password is hunter2")]);
});

test.each([{ id: "a" }, {}])(
  "passes on the backend's error unchanged, and calls it no defect: meta %j",
  async (meta) => {
    const { dispatch, defects } = setUp();
    expect(await dispatch({ type: "TEST.MISSING", meta })).toStrictEqual({
      type: "TEST.MISSING_REJECTED",
      payload: { error: { detail: "no such agent" } },
      meta: { ...meta, source: "backend", status: 404 },
    });
    expect(defects).toEqual([]);
  },
);

test("aborts every request of a page that has disconnected, and takes their ids again", async () => {
  const { dispatch, abortAll, signals } = setUp();
  const hanging = ["a", undefined].map((id) => dispatch({ type: "TEST.HANG", meta: id ? { id } : {} }));
  abortAll();
  expect(await Promise.all(hanging)).toEqual([
    rejection("TEST.HANG", "CONNECTION_CLOSED", "a"),
    rejection("TEST.HANG", "CONNECTION_CLOSED"),
  ]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(await dispatch({ type: "TEST.ECHO", payload: 1, meta: { id: "a" } })).toMatchObject({ payload: 1 });
});

test("does not abort what a handler left behind, once its request has settled", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { dispatch, signals, abortAll } = setUp();
  await dispatch({ type: "TEST.LEAVE", meta: { timeoutMs: 1_000 } });
  await vi.advanceTimersByTimeAsync(1_000);
  abortAll();
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
});

test("says in each rejection which request failed and why", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { dispatch, abortAll } = setUp();
  const messageOf = async (settlement: Promise<Settlement>): Promise<unknown> =>
    Object(Object((await settlement).payload).error).message;
  expect(await messageOf(dispatch({ type: "TEST.NONE" }))).toBe("TEST.NONE is no event that this widget knows");
  const cancelled = dispatch({ type: "TEST.HANG", meta: { id: "a" } });
  const second = dispatch({ type: "TEST.ECHO", meta: { id: "a" } });
  expect(await messageOf(second)).toBe("meta.id: expected an id not in flight");
  await dispatch(cancelling("a"));
  expect(await messageOf(cancelled)).toBe("a was cancelled by the caller");
  const late = dispatch({ type: "TEST.HANG", meta: { timeoutMs: 5 } });
  await vi.advanceTimersByTimeAsync(5);
  expect(await messageOf(late)).toBe("TEST.HANG had no answer from the backend within 5 ms");
  const hanging = Array.from({ length: MAX_IN_FLIGHT }, () => dispatch({ type: "TEST.HANG" }));
  expect(await messageOf(dispatch({ type: "TEST.ECHO" }))).toBe("1024 requests are in flight already");
  abortAll();
  for (const each of hanging.slice(0, 1)) expect(await messageOf(each)).toBe("The page has disconnected");
});

test("names every bad field of a payload", async () => {
  const { dispatch } = createDispatcher({
    contract: {
      "TEST.MEET": request({
        payload: v.strictObject({ at: v.number("a time"), room: v.strictObject({ id: v.string("an id") }, "a room") }),
        fulfilled: v.void(),
        idempotent: true,
      }),
    },
    services: {},
    onDefect: () => {},
    handlers: { "TEST.MEET": () => {} },
  });
  expect((await dispatch({ type: "TEST.MEET" })).payload).toMatchObject({
    error: { issues: [{ path: "payload", expected: expect.any(String) }] },
  });
  expect((await dispatch({ type: "TEST.MEET", payload: { at: "noon", room: { id: 1 } } })).payload).toMatchObject({
    error: {
      code: "INVALID_REQUEST",
      message: "payload.at: expected a time; payload.room.id: expected an id",
      issues: [
        { path: "payload.at", expected: "a time" },
        { path: "payload.room.id", expected: "an id" },
      ],
    },
  });
});

const wellFormed = expect.objectContaining({ type: expect.stringMatching(/_(FULFILLED|REJECTED)$/s) });

test("settles any value whatever in exactly one well-formed way", async () => {
  const { dispatch, defects } = setUp();
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true });
  const echoed = fc.record({ type: fc.constant("TEST.ECHO"), payload: anything });
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, fc.jsonValue(), echoed), async (value) => {
      expect(await dispatch(value)).toEqual(wellFormed);
    }),
  );
  expect(defects).toEqual([]);
});

test("hands a request's trace context to its handler, and ignores what is none", async () => {
  const { dispatch } = setUp();
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  expect(await dispatch({ type: "TEST.TRACE", meta: { traceparent } })).toMatchObject({ payload: traceparent });
  for (const malformed of ["", "00-1-1-00", 7]) {
    const event = { type: "TEST.TRACE", meta: { traceparent: malformed } };
    expect(await dispatch(event)).toMatchObject({ payload: "none" });
  }
});
