import { expect, test, vi } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { SETTABLE_STATUSES, WRITABLE_STATUSES } from "../../shared/contracts/settable-statuses.ts";
import { BackendResponseError, BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { CHOICES, createStatusChange } from "./status-change.ts";

const [AVAILABLE, CLOSED, LUNCH] = CHOICES;
const lunch: Availability = { userId: 1, status: "out_for_lunch", version: 2 };

/** A switcher whose calls the test answers. */
function setUp() {
  const calls: {
    readonly word: string;
    readonly resolve: (value: Availability) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  const onConfirmed = vi.fn();
  const change = createStatusChange({
    send: (word) => new Promise((resolve, reject) => calls.push({ word, resolve, reject })),
    onConfirmed,
    onChange() {},
  });
  /** Lets promises settle that are settled already. */
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  return { calls, onConfirmed, change, settle };
}

test("offers each status that can be set once, by a word that can be written", () => {
  expect(CHOICES.map(({ status }) => status)).toEqual(SETTABLE_STATUSES);
  expect(CHOICES.map(({ word }) => word).filter((word) => !WRITABLE_STATUSES.includes(word))).toEqual([]);
});

test("shows a choice at once, and confirms it with the gateway's answer", async () => {
  const { calls, change, onConfirmed, settle } = setUp();
  void change.choose(LUNCH);
  expect(change.pending).toBe(LUNCH);
  await settle();
  expect(calls.map(({ word }) => word)).toEqual(["out_for_lunch"]);
  calls[0]?.resolve(lunch);
  await settle();
  expect([change.pending, change.failure, onConfirmed.mock.calls]).toEqual([undefined, undefined, [[lunch]]]);
});

test.each([
  [new BackendResponseError(403, {}), "not_allowed"],
  [new BackendResponseError(401, {}), "signed_out"],
  [new BackendResponseError(503, {}), "unreachable"],
  [new BridgeRejectionError("BACKEND_UNREACHABLE", "…"), "unreachable"],
  [new DOMException("…", "TimeoutError"), "unreachable"],
  [new BackendResponseError(422, {}), "rejected"],
])("takes a choice back after %s, and says why: %s", async (error, failure) => {
  const { calls, change, onConfirmed, settle } = setUp();
  void change.choose(CLOSED);
  await settle();
  calls[0]?.reject(error);
  await settle();
  expect([change.pending, change.failure]).toEqual([undefined, failure]);
  expect(onConfirmed).not.toHaveBeenCalled();
  void change.choose(LUNCH);
  expect(change.failure).toBeUndefined();
});

test("sends choices one after another, without those in between, and shows the last one", async () => {
  const { calls, change, onConfirmed, settle } = setUp();
  void change.choose(AVAILABLE);
  await settle();
  void change.choose(CLOSED);
  void change.choose(LUNCH);
  calls[0]?.reject(new BackendResponseError(503, {}));
  await settle();
  expect([change.pending, change.failure]).toEqual([LUNCH, undefined]);
  expect(calls.map(({ word }) => word)).toEqual(["always_opened", "out_for_lunch"]);
  calls[1]?.resolve(lunch);
  await settle();
  expect([change.pending, onConfirmed.mock.calls]).toEqual([undefined, [[lunch]]]);
});

test("forgets a change of the last agent", async () => {
  const { calls, change, onConfirmed, settle } = setUp();
  void change.choose(LUNCH);
  await settle();
  change.reset();
  calls[0]?.resolve(lunch);
  await settle();
  expect([change.pending, change.failure, onConfirmed.mock.calls]).toEqual([undefined, undefined, []]);
});
