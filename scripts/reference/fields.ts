/** Lists the fields of the contract's schemas, with the type and the expectation of each, for the reference page. */
import type { GenericSchema } from "valibot";

/** A field of a payload. */
export interface Field {
  /** Keys from the payload, joined by dots. */
  readonly path: string;
  readonly isOptional: boolean;
  readonly schema: GenericSchema;
}

/**
 * Lists the fields of a shape, with nested fields in place of their parent. A shape that is not an object has no
 * fields.
 */
export function fieldsOf(schema: GenericSchema, prefix = ""): readonly Field[] {
  if (!hasEntries(schema)) return [];
  return Object.entries(schema.entries).flatMap(([key, entry]) => {
    const bare = isWrapped(entry) ? entry.wrapped : entry;
    const path = `${prefix}${key}`;
    const isOptional = bare !== entry;
    const inner = fieldsOf(bare, `${path}.`);
    if (inner.length === 0) return [{ path, isOptional, schema: bare }];
    return inner.map((field) => ({ ...field, isOptional: isOptional || field.isOptional }));
  });
}

/** Names a field's type in a word or two. */
export function typeOf(schema: GenericSchema): string {
  if (hasItem(schema)) return `list of ${typeOf(schema.item)}s`;
  if (hasOptions(schema)) return "text";
  if (hasLiteral(schema)) return typeof schema.literal;
  return schema.type === "string" ? "text" : schema.type;
}

/** Completes the sentence "expected …", as the caller reads it in an error. */
export function expectationOf(schema: GenericSchema): string {
  if (hasItem(schema)) return [messageOf(schema), expectationOf(schema.item)].filter(Boolean).join("; each ");
  if (hasOptions(schema)) return `one of ${schema.options.map((option) => `\`${option}\``).join(", ")}`;
  if (hasLiteral(schema)) return `\`${JSON.stringify(schema.literal)}\``;
  const message = messageOf(schema);
  if (message) return message;
  const least = hasPipe(schema) ? schema.pipe.find((step) => step.type === "min_value")?.requirement : undefined;
  return typeof least === "number" ? `a whole number of at least ${least}` : "";
}

function messageOf(schema: GenericSchema): string {
  return "message" in schema && typeof schema.message === "string" ? schema.message : "";
}

type With<Part> = GenericSchema & Readonly<Part>;

function hasEntries(schema: GenericSchema): schema is With<{ entries: Readonly<Record<string, GenericSchema>> }> {
  return "entries" in schema;
}

function isWrapped(schema: GenericSchema): schema is With<{ wrapped: GenericSchema }> {
  return "wrapped" in schema;
}

function hasItem(schema: GenericSchema): schema is With<{ item: GenericSchema }> {
  return "item" in schema;
}

function hasOptions(schema: GenericSchema): schema is With<{ options: readonly string[] }> {
  return "options" in schema && schema.type === "picklist";
}

function hasLiteral(schema: GenericSchema): schema is With<{ literal: unknown }> {
  return "literal" in schema;
}

function hasPipe(schema: GenericSchema): schema is With<{
  pipe: readonly { readonly type: string; readonly requirement?: unknown }[];
}> {
  return "pipe" in schema;
}
