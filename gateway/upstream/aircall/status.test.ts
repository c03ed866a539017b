import { expect, test } from "vitest";
import { AVAILABILITY_STATUSES } from "../../../shared/contracts/availability.ts";
import { SETTINGS, toAgentState, toStatus } from "./status.ts";

const KNOWN = { userId: 1, version: 1, updatedAt: 0 };

test.each([
  ["available", "available"],
  ["offline", "offline"],
  ["do_not_disturb", "do_not_disturb"],
  ["in_call", "in_call"],
  ["on_mobile", "on_mobile"],
  ["after_call_work", "do_not_disturb"],
  ["in_training", "in_traning"],
  ["in_traning", "in_traning"],
  ["out_for_lunch", "out_for_lunch"],
  ["on_a_break", "on_a_break"],
  ["doing_back_office", "doing_back_office"],
  ["other", "other"],
])("converts %s into %s", (vendorStatus, status) => {
  expect(toStatus(vendorStatus)).toEqual({ status, isKnown: true });
});

test.each(["", "Available", "busy", "constructor", "__proto__"])(
  "converts the unknown status %j into do_not_disturb",
  (vendorStatus) => {
    expect(toStatus(vendorStatus)).toEqual({ status: "do_not_disturb", isKnown: false });
  },
);

test("starts wrap-up time when after_call_work is first seen, and changes nothing while it lasts", () => {
  const wrapUp = { configuredSeconds: 30, leftSeconds: 30 };
  expect(toAgentState("after_call_work", { wrapUpSeconds: 30, known: undefined })).toEqual({
    status: "do_not_disturb",
    wrapUp,
  });
  const running = { ...KNOWN, status: "do_not_disturb", wrapUp: { configuredSeconds: 30, endsAtMs: 5 } } as const;
  expect(toAgentState("after_call_work", { wrapUpSeconds: 30, known: running })).toBeUndefined();
  const plain = { ...KNOWN, status: "do_not_disturb" } as const;
  expect(toAgentState("after_call_work", { wrapUpSeconds: 30, known: plain })).toMatchObject({ wrapUp });
  const inCall = { ...running, status: "in_call" } as const;
  expect(toAgentState("after_call_work", { wrapUpSeconds: 30, known: inCall })).toMatchObject({ wrapUp });
});

test("has no wrap-up time without a configured duration or for another status", () => {
  expect(toAgentState("after_call_work", { wrapUpSeconds: undefined, known: undefined })).toEqual({
    status: "do_not_disturb",
  });
  expect(toAgentState("do_not_disturb", { wrapUpSeconds: 30, known: undefined })).toEqual({ status: "do_not_disturb" });
});

test("can set two statuses", () => {
  expect(AVAILABILITY_STATUSES.filter((status) => SETTINGS.has(status))).toEqual(["do_not_disturb", "available"]);
});
