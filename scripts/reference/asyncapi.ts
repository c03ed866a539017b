/** The contract as AsyncAPI 3: the operations of the widget, in both directions, with their replies and examples. */
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { goldenAnnouncements, goldenConversations, goldenExchanges } from "../../gateway/test/golden-exchanges.ts";
import type { RequestEntry } from "../../shared/contracts/contract.ts";
import { announcements, contract, hostContract } from "../../shared/contracts/index.ts";
import {
  ANNOUNCEMENT_DESCRIPTIONS,
  type AnnouncementDescription,
  HOST_REQUEST_DESCRIPTIONS,
  REQUEST_DESCRIPTIONS,
  type RequestDescription,
} from "./descriptions.ts";
import { sampleExchange } from "./examples.ts";
import { createEventSchemas, createShapeSchemas, type JsonSchema } from "./json-schema.ts";

/** Examples of each message. More would repeat the vectors. */
const MAX_EXAMPLES = 3;

const PACKAGE = v.object({ version: v.string() });

/** Channels by name: the one method of each side, and what its calls return. */
const CHANNELS = {
  widget: {
    address: "post",
    title: "The widget's method",
    description: "Calls of the page: `post(event)`, the one method that the widget exposes by penpal 7.",
  },
  widgetSettlements: {
    address: null,
    title: "What the widget's method returns",
    description: "Exactly one settlement for each call, as the call's return value. The call never rejects.",
  },
  page: {
    address: "post",
    title: "The page's method",
    description:
      "Calls of the widget: `post(event)`, the one method that a page may expose by penpal 7. A page without it receives no announcements and has no token.",
  },
  pageSettlements: {
    address: null,
    title: "What the page's method returns",
    description: "The settlement of a request to the page. What an announcement returns is ignored.",
  },
} as const;

type ChannelName = keyof typeof CHANNELS;

/** An event of the contract as a message. */
interface Message {
  readonly type: string;
  readonly channel: ChannelName;
  readonly summary: string;
  readonly examples: readonly unknown[];
}

/** Creates the whole document, from the widget's side: it receives requests and sends announcements. */
export function createAsyncApiDocument(): JsonSchema {
  const messages = [
    ...Object.entries(contract).flatMap(([type, entry]) =>
      toMessages(type, entry, REQUEST_DESCRIPTIONS[type as keyof typeof REQUEST_DESCRIPTIONS], "widget"),
    ),
    ...Object.entries(hostContract).flatMap(([type, entry]) =>
      toMessages(type, entry, HOST_REQUEST_DESCRIPTIONS[type as keyof typeof HOST_REQUEST_DESCRIPTIONS], "page"),
    ),
    ...Object.keys(announcements).map(toAnnouncement),
  ];
  return {
    asyncapi: "3.1.0",
    id: "urn:availability-bridge:bus",
    info: INFO,
    defaultContentType: "application/json",
    servers: { frame: SERVER },
    channels: Object.fromEntries(
      Object.entries(CHANNELS).map(([name, channel]) => [name, toChannel(channel, messages, name)]),
    ),
    operations: {
      ...toRequestOperations(contract, "receive", "widget"),
      ...toRequestOperations(hostContract, "send", "page"),
      ...Object.fromEntries(Object.keys(announcements).map((type) => [type, toAnnouncementOperation(type)])),
    },
    components: {
      schemas: { ...toDraft7(createEventSchemas()), ...toDraft7(createShapeSchemas()) },
      messages: Object.fromEntries(messages.map((message) => [message.type, toMessageObject(message)])),
      correlationIds: { id: CORRELATION },
    },
  };
}

const INFO = {
  title: "The bus of availability-bridge",
  version: v.parse(PACKAGE, JSON.parse(readFileSync("package.json", "utf8"))).version,
  description:
    "Every event between a page and the telephony widget in its iframe, from the widget's side: what the widget receives, a page sends. docs/protocol.md describes how events travel. Written by the build from the contract in shared/contracts; the examples are golden vectors of shared/vectors.",
  license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
  tags: [
    { name: "API", description: "Availabilities" },
    { name: "AUTH", description: "The page's session" },
    { name: "BUS", description: "The bus itself" },
    { name: "HOST", description: "What the widget asks of the page" },
    { name: "LIVE", description: "The announcements of availabilities" },
    { name: "USER", description: "Changes of availabilities" },
  ],
};

const SERVER = {
  host: "{widget}",
  pathname: "/widget/",
  protocol: "postMessage",
  protocolVersion: "penpal 7",
  title: "The widget's document in an iframe",
  description: "Messages cross a private MessagePort, which penpal's handshake opens between the page and the iframe.",
  variables: { widget: { default: "widget.example.com", description: "Host of the vendor's gateway" } },
};

const CORRELATION = {
  description:
    "The asker's id, which the settlement repeats. penpal already gives each call its own settlement; the id also names the request in `BUS.CANCEL`.",
  location: "$message.payload#/meta/id",
};

function toChannel(channel: (typeof CHANNELS)[ChannelName], messages: readonly Message[], name: string): JsonSchema {
  const own = messages.filter((message) => message.channel === name);
  return {
    ...channel,
    servers: [{ $ref: "#/servers/frame" }],
    messages: Object.fromEntries(own.map(({ type }) => [type, { $ref: `#/components/messages/${type}` }])),
  };
}

function toRequestOperations(
  entries: Readonly<Record<string, RequestEntry>>,
  action: "send" | "receive",
  channel: "widget" | "page",
): Readonly<Record<string, JsonSchema>> {
  const operations = Object.entries(entries).map(([type, { idempotent }]) => [
    type,
    {
      ...describe(type),
      action,
      channel: { $ref: `#/channels/${channel}` },
      messages: [refTo(channel, type)],
      reply: {
        channel: { $ref: `#/channels/${channel}Settlements` },
        messages: [
          refTo(`${channel}Settlements`, `${type}_FULFILLED`),
          refTo(`${channel}Settlements`, `${type}_REJECTED`),
        ],
      },
      "x-idempotent": idempotent,
    },
  ]);
  return Object.fromEntries(operations);
}

function toAnnouncementOperation(type: string): JsonSchema {
  return {
    ...describe(type),
    action: "send",
    channel: { $ref: "#/channels/page" },
    messages: [refTo("page", type)],
  };
}

function describe(type: string): JsonSchema {
  const [service = ""] = type.split(".");
  return {
    title: type,
    summary: firstSentence(descriptionOf(type)),
    description: descriptionOf(type),
    tags: [{ name: service }],
  };
}

const DESCRIPTIONS: Readonly<Record<string, RequestDescription | AnnouncementDescription>> = {
  ...REQUEST_DESCRIPTIONS,
  ...HOST_REQUEST_DESCRIPTIONS,
  ...ANNOUNCEMENT_DESCRIPTIONS,
};

function descriptionOf(type: string): string {
  const found = DESCRIPTIONS[type];
  if (!found) throw new Error(`${type} has no description`);
  return found.does;
}

function firstSentence(text: string): string {
  return /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
}

function refTo(channel: string, type: string): JsonSchema {
  return { $ref: `#/channels/${channel}/messages/${type}` };
}

/** The three messages of a request: itself and both of its settlements. */
function toMessages(
  type: string,
  entry: RequestEntry,
  { examples }: RequestDescription,
  channel: "widget" | "page",
): readonly Message[] {
  const settlements: ChannelName = `${channel}Settlements`;
  const told = "fulfilled" in examples ? [sampleExchange(type, entry, examples)] : exchangesOf(type, examples);
  return [
    { type, channel, summary: firstSentence(descriptionOf(type)), examples: told.map(({ event }) => event) },
    {
      type: `${type}_FULFILLED`,
      channel: settlements,
      summary: `The settlement of ${type} if it succeeds.`,
      examples: told.map(({ settlement }) => settlement),
    },
    {
      type: `${type}_REJECTED`,
      channel: settlements,
      summary: `The settlement of ${type} if it fails.`,
      examples: rejectionsOf(type),
    },
  ];
}

/** Fulfilled exchanges of the event, first those of the given names. */
function exchangesOf(type: string, names: readonly string[]) {
  const fulfilled = GOLDEN.filter(({ settlement }) => settlement.type === `${type}_FULFILLED`);
  return [
    ...fulfilled.filter(({ name }) => names.includes(name)),
    ...fulfilled.filter(({ name }) => !names.includes(name)),
  ].slice(0, MAX_EXAMPLES);
}

const GOLDEN = [
  ...goldenExchanges,
  ...goldenConversations.flatMap(({ name, exchanges }) => exchanges.map((exchange) => ({ name, ...exchange }))),
];

/** One rejection by the bridge and one by the backend, if the vectors have them. A vector may give only part of the bridge's own error. */
function rejectionsOf(type: string): readonly unknown[] {
  const rejected = GOLDEN.map(({ settlement }) => settlement).filter((each) => each.type === `${type}_REJECTED`);
  return [
    rejected.find((settlement) => v.is(WholeBridgeRejected, settlement)),
    rejected.find((settlement) => settlement.meta?.["source"] === "backend"),
  ].filter((settlement) => settlement !== undefined);
}

const WholeBridgeRejected = v.object({
  payload: v.object({ error: v.object({ code: v.string(), message: v.string(), retryable: v.boolean() }) }),
  meta: v.object({ source: v.literal("bridge") }),
});

function toAnnouncement(type: string): Message {
  const examples = goldenAnnouncements.filter((event) => event.type === type).slice(0, MAX_EXAMPLES);
  return { type, channel: "page", summary: firstSentence(descriptionOf(type)), examples };
}

function toMessageObject({ type, summary, examples }: Message): JsonSchema {
  return {
    name: type,
    title: type,
    summary,
    contentType: "application/json",
    correlationId: { $ref: "#/components/correlationIds/id" },
    payload: { $ref: `#/components/schemas/${type}` },
    ...(examples.length > 0 && { examples: examples.map((payload) => ({ payload })) }),
  };
}

/**
 * Rewrites schemas of draft 2020-12 to draft 7, which AsyncAPI's own schemas are: tools that read AsyncAPI check no other draft. The contract
 * needs two changes.
 */
function toDraft7(schemas: unknown): JsonSchema {
  const text = JSON.stringify(schemas)
    .replaceAll('"#/$defs/', '"#/components/schemas/')
    .replaceAll('"dependentRequired":', '"dependencies":');
  return v.parse(v.record(v.string(), v.unknown()), JSON.parse(text));
}
