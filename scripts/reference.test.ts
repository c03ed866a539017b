/** Compares the reference page and the JSON Schema with the contract and with the golden vectors. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as v from "valibot";
import { expect, test } from "vitest";
import { goldenAnnouncements, goldenConversations, goldenExchanges } from "../gateway/test/golden-exchanges.ts";
import { announcements, contract, hostContract } from "../shared/contracts/index.ts";
import { createContractSchema } from "./reference/json-schema.ts";
import { createReferencePage } from "./reference/page.ts";

const page = createReferencePage();
const isEvent = new Ajv2020().compile(createContractSchema());

const exchanges = [
  ...goldenExchanges,
  ...goldenConversations.flatMap(({ file, name, exchanges: told }) =>
    told.map((exchange, at) => ({ file, name: `${name} ${at}`, ...exchange })),
  ),
];

const Refused = v.object({
  payload: v.object({ error: v.object({ code: v.picklist(["INVALID_REQUEST", "UNKNOWN_EVENT"]) }) }),
});

/** Only the widget knows its page's origin. */
const isByOrigin = ({ name }: { readonly name: string }): boolean => name === "somebody else's origin";

/** Names of the events in the tables of docs/protocol.md, by the table's section. */
function tabled(section: string): readonly string[] {
  const [, text = ""] = readFileSync("docs/protocol.md", "utf8").split(`\n## ${section}\n`);
  const [table = ""] = text.split("\n## ");
  const cells = [...table.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = ""]) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([A-Z]+\.[A-Z_]+)`/g)].map(([, type = ""]) => type)).sort();
}

test.each([
  ["Requests", contract],
  ["Announcements", announcements],
  ["Requests to the page", hostContract],
])("docs/protocol.md has each event of the contract, and no other, in its table of %s", (section, events) => {
  expect(tabled(section)).toEqual(Object.keys(events).sort());
});

test("the page is what `npm run reference` writes", () => {
  expect(readFileSync("docs/reference.md", "utf8")).toBe(page);
});

test.each(Object.keys({ ...contract, ...hostContract, ...announcements }))("the page has a section of %s", (type) => {
  expect(page).toContain(`\n### ${type}\n`);
});

test.each(exchanges.filter((exchange) => !v.is(Refused, exchange.settlement)))(
  "the JSON Schema accepts the event and its settlement: $file, $name",
  ({ event, settlement }) => {
    expect([isEvent(event), isEvent.errors]).toEqual([true, null]);
    // A vector may give only part of the bridge's own error.
    if (settlement.meta?.["source"] !== "bridge") expect([isEvent(settlement), isEvent.errors]).toEqual([true, null]);
  },
);

test.each(exchanges.filter((exchange) => v.is(Refused, exchange.settlement) && !isByOrigin(exchange)))(
  "the JSON Schema rejects the event: $file, $name",
  ({ event }) => {
    expect(isEvent(event)).toBe(false);
  },
);

test.each(goldenAnnouncements)("the JSON Schema accepts $type", (event) => {
  expect([isEvent(event), isEvent.errors]).toEqual([true, null]);
});
