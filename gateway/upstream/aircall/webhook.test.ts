import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { testWebhook } from "../../test/test-aircall.ts";
import { createWebhookReceiver } from "./webhook.ts";

function receiver() {
  const changed: number[] = [];
  return { receive: createWebhookReceiver({ token: "webhook-secret", onChange: (id) => changed.push(id) }), changed };
}

const NAMES = ["created", "deleted", "connected", "disconnected", "opened", "closed", "wut_start", "wut_end"];

test.each(NAMES.flatMap((name) => [`user.${name}`, `user.${name}.v2`]))("reads the agent of %s again", (event) => {
  const { receive, changed } = receiver();
  expect(receive(testWebhook(event, 7))).toBe("accepted");
  expect(changed).toEqual([7]);
});

const CALL_NAMES = [
  "created",
  "ringing_on_agent",
  "agent_declined",
  "answered",
  "transferred",
  "external_transferred",
  "unsuccessful_transfer",
  "hungup",
  "ended",
];

function callWebhook(event: string, data: unknown): string {
  return JSON.stringify({ resource: "call", event, timestamp: 1, token: "webhook-secret", data });
}

test.each(CALL_NAMES)("reads the agent of call.%s again", (name) => {
  const { receive, changed } = receiver();
  expect(receive(callWebhook(`call.${name}`, { id: 1, user: { id: 1499 } }))).toBe("accepted");
  expect(changed).toEqual([1499]);
});

test("reads each agent of a transferred call again, once", () => {
  const { receive, changed } = receiver();
  const participants = [
    { type: "external", phone_number: "+1 800-123-4567" },
    { type: "user", id: 7, name: "Ann" },
    { type: "user", id: 9 },
    { type: "team", id: 11 },
  ];
  const data = { id: 1, user: { id: 7 }, transferred_by: { id: 7 }, transferred_to: { id: 8 }, participants };
  expect(receive(callWebhook("call.transferred", data))).toBe("accepted");
  expect(changed).toEqual([7, 8, 9]);
});

test.each<[string, string, unknown]>([
  ["without an agent", "call.created", { id: 1, user: {}, participants: null }],
  ["with an agent in a wrong form", "call.answered", { user: { id: "7" }, transferred_to: 8, participants: [null, 9] }],
  ["without data", "call.answered", null],
  ["of a tag", "call.tagged", { id: 1, user: { id: 7 } }],
])("accepts a webhook of a call %s and does nothing", (_what, event, data) => {
  const { receive, changed } = receiver();
  expect(receive(callWebhook(event, data))).toBe("accepted");
  expect(changed).toEqual([]);
});

test.each<[string, Record<string, unknown>]>([
  ["of a call under a user's resource", { event: "call.answered" }],
  ["of another event", { event: "user.renamed" }],
  ["of another version", { event: "user.opened.v3" }],
  ["of another resource under a user's event", { resource: "team" }],
  ["without an agent", { data: null }],
  ["with a text as id", { data: { id: "7" } }],
  ["with an id of 0", { data: { id: 0 } }],
])("accepts a webhook %s and does nothing", (_what, parts) => {
  const { receive, changed } = receiver();
  const envelope: object = JSON.parse(testWebhook("user.opened", 7));
  expect(receive(JSON.stringify({ ...envelope, ...parts }))).toBe("accepted");
  expect(changed).toEqual([]);
});

test("rejects every other token and does nothing", () => {
  const { receive, changed } = receiver();
  for (const token of ["", "webhook-secre", "webhook-secret ", "WEBHOOK-SECRET", "webhook-secret\0"]) {
    expect(receive(testWebhook("user.opened", 7, token))).toBe("rejected");
  }
  expect(changed).toEqual([]);
});

test("rejects a wrong token without parsing the text", () => {
  const { receive } = receiver();
  const parse = vi.spyOn(JSON, "parse");
  onTestFinished(() => parse.mockRestore());
  const data = Array.from({ length: 50_000 }, () => ({ token: "guess" }));
  expect(receive(JSON.stringify({ token: "guess", data }))).toBe("rejected");
  const lengths = parse.mock.calls.map(([text]) => text.length);
  expect(lengths).toEqual(Array(16).fill('"guess"'.length));
});

test("rejects a wrong token even if the right token is in the data", () => {
  const { receive, changed } = receiver();
  const envelope: object = JSON.parse(testWebhook("user.opened", 7, "guess"));
  expect(receive(JSON.stringify({ ...envelope, data: { id: 7, token: "webhook-secret" } }))).toBe("rejected");
  expect(changed).toEqual([]);
});

test("accepts a token with escapes, after other tokens, and with spaces", () => {
  const { receive, changed } = receiver();
  const text = testWebhook("user.opened", 7).replace('"token":"webhook', '"token" :\n"\\u0077ebhook');
  expect(receive(text.replace("{", '{"other":{"token":"x"},'))).toBe("accepted");
  expect(changed).toEqual([7]);
});

test.each([
  ["an empty text", ""],
  ["invalid JSON", "{"],
  ["null", "null"],
  ["a webhook without a token", '{"resource":"user","event":"user.opened","data":{"id":7}}'],
  ["a token that is no text", '{"resource":"user","event":"user.opened","token":["webhook-secret"],"data":{"id":7}}'],
])("rejects %s", (_what, text) => {
  expect(receiver().receive(text)).toBe("rejected");
});

test.each([
  ["half a webhook", testWebhook("user.opened", 7).slice(0, -1)],
  ["a webhook without an event", '{"resource":"user","token":"webhook-secret","data":{"id":7}}'],
  ["a list", '[{"token":"webhook-secret"}]'],
])("responds to %s with the token as malformed", (_what, text) => {
  expect(receiver().receive(text)).toBe("malformed");
});

test("reads no agent again for any text without the token", () => {
  const { receive, changed } = receiver();
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      expect(receive(text)).not.toBe("accepted");
      expect(changed).toEqual([]);
    }),
  );
});
