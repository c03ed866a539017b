import fc from "fast-check";
import * as v from "valibot";
import { expect, onTestFinished, test, vi } from "vitest";
import { bus } from "../contracts/bus.ts";
import { request } from "../contracts/contract.ts";
import { MAX_IN_FLIGHT } from "../protocol/envelope.ts";
import { createDispatcher, type Dispatcher } from "./dispatch.ts";

const contract = {
  "BUS.CANCEL": bus["BUS.CANCEL"],
  "TEST.ECHO": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.HANG": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.TRACE": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
  "TEST.THROW": request({ payload: v.unknown(), fulfilled: v.unknown(), idempotent: true }),
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
