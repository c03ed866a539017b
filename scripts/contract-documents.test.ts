/** Compares AsyncAPI, OpenAPI and the reference with the golden vectors. `reference.test.ts` does so for the JSON Schema. */
import { Parser } from "@asyncapi/parser";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as v from "valibot";
import { expect, test } from "vitest";
import { createDocument } from "../gateway/openapi/document.ts";
import { goldenAnnouncements, goldenConversations, goldenExchanges } from "../gateway/test/golden-exchanges.ts";
import { announcements, contract, hostContract } from "../shared/contracts/index.ts";
import { createAsyncApiDocument } from "./reference/asyncapi.ts";
import { createReferencePage } from "./reference/page.ts";

const { document, diagnostics } = await new Parser().parse(JSON.stringify(createAsyncApiDocument()));
const asyncApi = v.parse(
  v.object({
    operations: v.record(
      v.string(),
      v.object({
        action: v.string(),
        channel: v.object({ $ref: v.string() }),
        reply: v.optional(
          v.object({ channel: v.object({ $ref: v.string() }), messages: v.array(v.object({ $ref: v.string() })) }),
        ),
      }),
    ),
    components: v.object({ messages: v.record(v.string(), v.unknown()), schemas: v.record(v.string(), v.unknown()) }),
  }),
  createAsyncApiDocument(),
);

// The parser checks neither payloads nor examples. AsyncAPI's own schemas are draft 7.
const draft7 = new Ajv({ strict: false }).addSchema({ $id: "asyncapi", ...asyncApi });

/** Checks an event by the schema of the message of its type. */
function findFaults(event: { readonly type: string }): unknown {
  const isKnown = Object.hasOwn(asyncApi.components.schemas, event.type);
  const check = isKnown && draft7.getSchema(`asyncapi#/components/schemas/${event.type}`);
  if (!check) return `There is no message ${event.type}`;
  return check(event) ? null : check.errors;
}

const exchanges = [
  ...goldenExchanges,
  ...goldenConversations.flatMap(({ file, name, exchanges: told }) => told.map((each) => ({ file, name, ...each }))),
];
const Event = v.object({ type: v.string() });
const Refused = v.object({
  payload: v.object({ error: v.object({ code: v.picklist(["INVALID_REQUEST", "UNKNOWN_EVENT"]) }) }),
});
const isRefused = ({ settlement }: (typeof exchanges)[number]): boolean => v.is(Refused, settlement);

test("the official parser accepts the AsyncAPI document, and its recommended rules find nothing", () => {
  expect(diagnostics).toEqual([]);
  expect(document?.version()).toBe("3.1.0");
});

test("each request of the page is received, with both settlements as its reply", () => {
  for (const type of Object.keys(contract)) {
    expect(asyncApi.operations[type], type).toEqual({
      action: "receive",
      channel: { $ref: "#/channels/widget" },
      reply: {
        channel: { $ref: "#/channels/widgetSettlements" },
        messages: ["FULFILLED", "REJECTED"].map((suffix) => ({
          $ref: `#/channels/widgetSettlements/messages/${type}_${suffix}`,
        })),
      },
    });
  }
});

test("each request to the page is sent with a reply, and each announcement without one", () => {
  for (const type of Object.keys(hostContract)) {
    expect(asyncApi.operations[type]).toMatchObject({
      action: "send",
      reply: { channel: { $ref: "#/channels/pageSettlements" } },
    });
  }
  for (const type of Object.keys(announcements)) {
    expect(asyncApi.operations[type], type).toEqual({ action: "send", channel: { $ref: "#/channels/page" } });
  }
});

test("AsyncAPI has these operations and no other", () => {
  const types = Object.keys({ ...contract, ...hostContract, ...announcements });
  expect(Object.keys(asyncApi.operations).sort()).toEqual(types.sort());
});

test("each message of AsyncAPI names the id by which a settlement belongs to its request", () => {
  const messages = document?.messages().all() ?? [];
  expect(messages.length).toBeGreaterThan(40);
  for (const message of messages) expect(message.correlationId()?.location()).toBe("$message.payload#/meta/id");
});

test("each event of the vectors has an example in AsyncAPI, and each example is valid", () => {
  const golden = [...exchanges.filter((each) => !isRefused(each)).map(({ event }) => event), ...goldenAnnouncements];
  const types = new Set(golden.map((event) => v.parse(Event, event).type));
  const withExamples = new Set<string>();
  for (const message of document?.messages().all() ?? []) {
    for (const example of message.examples().all()) {
      const event = v.parse(v.looseObject(Event.entries), example.payload());
      withExamples.add(event.type);
      expect(findFaults(event), JSON.stringify(event)).toBeNull();
    }
  }
  expect([...types].filter((type) => !withExamples.has(type))).toEqual([]);
});

test("AsyncAPI accepts the events and settlements of the vectors, and rejects what the vectors reject", () => {
  for (const exchange of exchanges) {
    const { event, settlement, file, name } = exchange;
    const what = `${file}, ${name}`;
    // A vector may give only part of the bridge's own error.
    if (settlement.meta?.["source"] !== "bridge") expect(findFaults(settlement), what).toBeNull();
    if (!isRefused(exchange)) expect(findFaults(v.parse(v.looseObject(Event.entries), event)), what).toBeNull();
    // The widget alone knows its page's origin.
    else if (v.is(Event, event) && name !== "somebody else's origin") expect(findFaults(event), what).not.toBeNull();
  }
  for (const event of goldenAnnouncements) expect(findFaults(event)).toBeNull();
});

/** What a list has besides, for other readers than the widget: the vectors leave it out. */
const LIST_ALONE = { updatedAt: {}, cursor: "1-0" };

/** Calls of the widget by the event that makes them. */
const CALLS = {
  "API.FETCH_USER_AVAILABILITY": ["/v1/users/{userId}/availability", "get"],
  "API.FETCH_AVAILABILITIES": ["/v1/availabilities", "get"],
  "API.UPDATE_AVAILABILITY": ["/v1/users/{userId}/availability", "put"],
} as const;

const openApi = createDocument({ anonymousReads: true });
const draft2020 = new Ajv2020({ strict: false }).addSchema({ ...openApi, $id: "openapi" });

test.each(Object.entries(CALLS))(
  "OpenAPI accepts what the vectors' gateway answers to %s, and rejects what the widget rejects",
  (type, [path, method]) => {
    const pointer = `/paths/${encodeURIComponent(path.replaceAll("/", "~1"))}/${method}/responses/200/content/application~1json/schema`;
    const check = draft2020.getSchema(`openapi#${pointer}`);
    let count = 0;
    for (const { event, backend, settlement, name } of exchanges) {
      const answer = [backend].flat().at(-1);
      if (
        !v.is(v.object({ type: v.literal(type) }), event) ||
        !answer ||
        !("status" in answer) ||
        answer.status !== 200
      )
        continue;
      if (answer.body === undefined) continue;
      const isFulfilled = settlement.type === `${type}_FULFILLED`;
      // What two fields say of each other, and of the request, JSON Schema cannot check.
      if (!isFulfilled && /exceeds|more time|another|under/.test(name)) continue;
      const body = path === "/v1/availabilities" ? { ...LIST_ALONE, ...Object(answer.body) } : answer.body;
      expect(check?.(body), `${name}: ${JSON.stringify(check?.errors)}`).toBe(isFulfilled);
      count += 1;
    }
    expect(count).toBeGreaterThan(5);
  },
);

test("the reference has a section for each event of the vectors", () => {
  const page = createReferencePage();
  const golden = [...exchanges.filter((each) => !isRefused(each)).map(({ event }) => event), ...goldenAnnouncements];
  for (const type of new Set(golden.map((event) => v.parse(Event, event).type)))
    expect(page).toContain(`\n### ${type}\n`);
});
