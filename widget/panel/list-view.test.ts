import { expect, test } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import { createListView } from "./list-view.ts";
import { listRows, type Row } from "./rows.ts";

/** Lists 2,000 agents, every other one offline. */
function listAgents(): readonly Row[] {
  const toAgent = (userId: number): Availability => ({
    userId,
    status: userId % 2 === 1 ? "available" : "offline",
    version: 1,
  });
  const availabilities = Array.from({ length: 2_000 }, (_, index) => toAgent(index + 1));
  return listRows(availabilities, { readAvailability, describe: () => "", query: "" });
}

/** A list over an element of 400 pixels, scrolled to the top. */
function setUp() {
  const size = { offsetWidth: 320, offsetHeight: 400, clientHeight: 400, scrollHeight: 72_060, scrollTop: 0 };
  const scroller = Object.assign(Object(new EventTarget()), { ownerDocument: { defaultView: {} }, ...size });
  const list = createListView(
    () => scroller,
    () => {},
  );
  const rows = listAgents();
  list.place(rows, undefined);
  list.attach();
  /** Places the rows with a selected agent. Returns each agent in the document by user id, place and number of agents. */
  return (selectedId?: number): unknown[] =>
    list
      .place(rows, selectedId)
      .placed.flatMap(({ row, position, setSize }) =>
        row.kind === "agent" ? [[row.availability.userId, position, setSize]] : [],
      );
}

test("gives each agent in the document the place among all, without the headings", () => {
  const place = setUp();
  expect(place().slice(0, 2)).toEqual([
    [1, 1, 2_000],
    [3, 2, 2_000],
  ]);
  // Below the second heading.
  expect(place(2_000).at(-1)).toEqual([2_000, 2_000, 2_000]);
});

test("has the selected agent's row in the document without a scroll, and no row of an earlier selection", () => {
  const place = setUp();
  const visible = place();
  expect(place(2_000)).toEqual([...visible, [2_000, 2_000, 2_000]]);
  expect(place(1_998)).toEqual([...visible, [1_998, 1_999, 2_000]]);
  expect(place()).toEqual(visible);
});
