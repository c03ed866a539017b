import { expect, test } from "vitest";
import { SETTABLE_STATUSES, toSetStatus } from "./settable-statuses.ts";

test("sets the status that a value of a request stands for", () => {
  expect(toSetStatus("always_opened")).toBe("available");
  expect(toSetStatus("auto")).toBe("available");
  expect(toSetStatus("always_closed")).toBe("do_not_disturb");
  expect(toSetStatus("in_training")).toBe("in_traning");
  for (const status of SETTABLE_STATUSES) expect(toSetStatus(status)).toBe(status);
});
