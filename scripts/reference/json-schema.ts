/** The contract as JSON Schema: every event in either direction. */
import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import {
  Availabilities,
  Availability,
  ChangedAvailability,
  UserError,
  WatchedAvailabilities,
} from "../../shared/contracts/availability.ts";
import type { RequestEntry } from "../../shared/contracts/contract.ts";
import { announcements, contract, hostContract } from "../../shared/contracts/index.ts";
import { NoPayload } from "../../shared/contracts/no-payload.ts";
import { MAX_ID_LENGTH, MAX_TIMEOUT_MS } from "../../shared/protocol/envelope.ts";
import { CODE_DESCRIPTIONS } from "./descriptions.ts";

/** A JSON Schema. Looser than valibot's type, which lacks some keywords. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const SHAPES = { Availability, ChangedAvailability, Availabilities, UserError, WatchedAvailabilities };

const CONVERSION = {
  target: "draft-2020-12",
  typeMode: "input",
  ignoreActions: ["check"],
} satisfies ConversionConfig;

/** Conditions that valibot checks by a function. */
const BOTH_OR_NEITHER: JsonSchema = {
  dependentRequired: { wrapUpTimeConfig: ["wrapUpTimeTtl"], wrapUpTimeTtl: ["wrapUpTimeConfig"] },
};

const ID: JsonSchema = { type: "string", minLength: 1, maxLength: MAX_ID_LENGTH };

const DEFINITIONS: Readonly<Record<string, JsonSchema>> = {
  RequestMeta: {
    type: "object",
    properties: { id: ID, timeoutMs: { type: "integer", minimum: 1, maximum: MAX_TIMEOUT_MS } },
  },
  FulfilledMeta: { type: "object", properties: { id: ID } },
  RejectedMeta: {
    type: "object",
    properties: { id: ID, source: { enum: ["backend", "bridge"] }, status: { type: "integer" } },
    required: ["source"],
  },
  BridgeRejection: {
    type: "object",
    properties: {
      code: { enum: Object.keys(CODE_DESCRIPTIONS) },
      message: { type: "string" },
      retryable: { type: "boolean" },
      issues: {
        type: "array",
        items: {
          type: "object",
          properties: { path: { type: "string" }, expected: { type: "string" } },
          required: ["path", "expected"],
        },
      },
    },
    required: ["code", "message", "retryable"],
  },
};

/** Creates the whole document. Each event's schema is a definition of the event's name. */
export function createContractSchema(): JsonSchema {
  const events = createEventSchemas();
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "The events of availability-bridge",
    oneOf: Object.keys(events).map(refTo),
    $defs: { ...events, ...createShapeSchemas() },
  };
}

/** Creates the schema of each event, by type. A reference names another event or a shape below `#/$defs`. */
export function createEventSchemas(): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries([
    ...Object.entries({ ...contract, ...hostContract }).flatMap(([type, entry]) => toRequest(type, entry)),
    ...Object.entries(announcements).map(([type, { announced }]) => toEvent(type, announced)),
  ]);
}

/** Creates the schemas that those of the events refer to, by name. */
export function createShapeSchemas(): Readonly<Record<string, JsonSchema>> {
  const shapes = toJsonSchemaDefs(SHAPES, CONVERSION);
  return {
    Availabilities: { ...shapes.Availabilities, propertyNames: USER_IDS },
    UserError: { ...shapes.UserError },
    WatchedAvailabilities: { ...shapes.WatchedAvailabilities, propertyNames: USER_IDS },
    Availability: { ...shapes.Availability, ...BOTH_OR_NEITHER },
    ChangedAvailability: { ...shapes.ChangedAvailability, ...BOTH_OR_NEITHER },
    ...DEFINITIONS,
  };
}

/** Keys of an object by user id. */
const USER_IDS = { pattern: "^[1-9]\\d{0,15}$" };

type NamedSchema = readonly [name: string, schema: JsonSchema];

function toRequest(type: string, { payload, fulfilled }: RequestEntry): readonly NamedSchema[] {
  return [
    toEvent(type, payload, "RequestMeta"),
    toEvent(`${type}_FULFILLED`, fulfilled, "FulfilledMeta"),
    toRejected(`${type}_REJECTED`),
  ];
}

function toEvent(type: string, payload: GenericSchema, meta?: string): NamedSchema {
  const carried = toPayload(payload);
  const isRequired = carried !== undefined && payload.type !== "optional";
  return [
    type,
    {
      type: "object",
      properties: { type: { const: type }, ...(carried && { payload: carried }), ...(meta && { meta: refTo(meta) }) },
      required: ["type", ...(isRequired ? ["payload"] : [])],
      additionalProperties: false,
    },
  ];
}

function toPayload(schema: GenericSchema): JsonSchema | undefined {
  if (schema.type === "void") return undefined;
  if (schema === NoPayload) return { type: "object", maxProperties: 0 };
  const shape = Object.entries(SHAPES).find(([, named]) => named === schema);
  if (shape) return refTo(shape[0]);
  const { $schema: _, ...bare } = toJsonSchema(schema, CONVERSION);
  return bare;
}

/** The backend's body may be any JSON; the bridge's own error has a fixed form. */
function toRejected(type: string): NamedSchema {
  const from = (source: "backend" | "bridge", error: JsonSchema): JsonSchema => ({
    properties: { payload: { properties: { error } }, meta: { properties: { source: { const: source } } } },
  });
  return [
    type,
    {
      type: "object",
      properties: {
        type: { const: type },
        payload: { type: "object", required: ["error"], additionalProperties: false, properties: { error: {} } },
        meta: refTo("RejectedMeta"),
      },
      required: ["type", "payload", "meta"],
      additionalProperties: false,
      anyOf: [from("backend", {}), from("bridge", refTo("BridgeRejection"))],
    },
  ];
}

function refTo(name: string): JsonSchema {
  return { $ref: `#/$defs/${name}` };
}
