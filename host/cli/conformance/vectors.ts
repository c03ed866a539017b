/** The golden vectors of `dist/vectors.json`, and the comparison of a settlement with a vector. */
import { readFileSync } from "node:fs";
import * as v from "valibot";

/** A response of the backend: a closed connection, silence, or a response with a status. */
const ScriptedAnswer = v.union([
  v.strictObject({ unreachable: v.literal(true) }),
  v.strictObject({ hangs: v.literal(true) }),
  v.strictObject({
    status: v.number(),
    headers: v.optional(v.record(v.string(), v.string())),
    contentType: v.optional(v.string()),
    body: v.optional(v.unknown()),
    text: v.optional(v.string()),
  }),
]);
export type ScriptedAnswer = v.InferOutput<typeof ScriptedAnswer>;

const StreamedEvent = v.strictObject({ event: v.string(), id: v.exactOptional(v.string()), data: v.unknown() });
export type StreamedEvent = v.InferOutput<typeof StreamedEvent>;

const SettlementVector = v.object({
  type: v.string(),
  payload: v.optional(v.unknown()),
  meta: v.optional(v.record(v.string(), v.unknown())),
});

const ExchangeEntries = {
  event: v.unknown(),
  backend: v.nullable(v.union([ScriptedAnswer, v.array(ScriptedAnswer)])),
  asked: v.optional(
    v.array(v.strictObject({ method: v.string(), path: v.string(), body: v.exactOptional(v.unknown()) })),
  ),
  settlement: SettlementVector,
};
const Exchange = v.object(ExchangeEntries);

/** The page's event, the backend's answers (`null`: no call may be made), and the settlement. */
export type Exchange = v.InferOutput<typeof Exchange>;

const Announcement = v.strictObject({ type: v.string(), payload: v.exactOptional(v.unknown()) });

const Conversation = v.object({
  name: v.string(),
  tokens: v.array(v.record(v.string(), v.unknown())),
  exchanges: v.array(Exchange),
  stream: v.union([v.array(StreamedEvent), ScriptedAnswer]),
  announced: v.array(Announcement),
});

/** Exchanges in order, then the events of the backend's stream, and all announcements. */
export type Conversation = v.InferOutput<typeof Conversation>;

const VectorFile = v.object({
  file: v.string(),
  cases: v.optional(v.array(v.object({ name: v.string(), ...ExchangeEntries })), []),
  conversations: v.optional(v.array(Conversation), []),
  announcements: v.optional(v.array(Announcement), []),
});

/** The vectors of one message. */
export type VectorFile = v.InferOutput<typeof VectorFile>;

/** Reads the vectors of the package. */
export function readVectors(address: URL): readonly VectorFile[] {
  return v.parse(v.object({ files: v.array(VectorFile) }), JSON.parse(readFileSync(address, "utf8"))).files;
}

const BridgeRejected = v.object({
  payload: v.object({ error: v.looseObject({ code: v.string() }) }),
  meta: v.looseObject({ source: v.literal("bridge") }),
});

/** Reduces a settlement to the compared parts: the code of the bridge's own error, because sentences differ; otherwise the whole settlement. */
export function toComparable(settlement: unknown): unknown {
  if (!v.is(BridgeRejected, settlement)) return settlement;
  const { code } = settlement.payload.error;
  return { ...settlement, payload: { error: { code } } };
}

const Aged = v.looseObject({ ageMs: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });

/** Reduces an announcement to the compared parts: `ageMs` becomes 0 if it is a whole number, because it depends on the time. */
export function toComparableAnnouncement(announcement: unknown): unknown {
  const { payload, ...rest } = Object(announcement);
  return v.is(Aged, payload) ? { ...rest, payload: { ...payload, ageMs: 0 } } : announcement;
}

/** Creates an unsigned JWT with the claims: the widget reads the claims, and the kit's backend accepts any token. */
export function toToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.c2ln`;
}
