import { type JsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { Availability, ChangedAvailability, RemovedUser, UserId } from "../../shared/contracts/availability.ts";
import { ProblemDocument } from "../http/problem.ts";
import type { Reference } from "./openapi-document.ts";

/** A schema that the gateway validates by, and its place in the document. */
export interface NamedSchema {
  readonly schema: GenericSchema;
  /** Meaning of the value, in whole sentences. */
  readonly description: string;
  /** Part of JSON Schema for a rule that valibot checks by a function. */
  readonly keywords?: Readonly<Record<string, unknown>>;
}

const BOTH_OR_NEITHER = {
  dependentRequired: { wrapUpTimeConfig: ["wrapUpTimeTtl"], wrapUpTimeTtl: ["wrapUpTimeConfig"] },
};

/** Schemas that several routes refer to. A route's file holds the others. */
export const COMMON_SCHEMAS: Readonly<Record<string, NamedSchema>> = {
  UserId: { schema: UserId, description: "An agent." },
  Availability: {
    schema: Availability,
    description:
      "An agent's availability. `status` is a state, or a reason in place of `do_not_disturb`. The wrap-up keys, in seconds, are present if the agent has configured a wrap-up time; `wrapUpTimeTtl` is the remaining time when the response was made, at most `wrapUpTimeConfig`. `version` grows with every change and never decreases: a client with a higher version ignores the response.",
    keywords: BOTH_OR_NEITHER,
  },
  ChangedAvailability: {
    schema: ChangedAvailability,
    description: "An availability, and the time of its last change, in milliseconds since 1970.",
    keywords: BOTH_OR_NEITHER,
  },
  Removal: {
    schema: RemovedUser,
    description: "A removed agent. The version is higher than all versions of the agent.",
  },
  Problem: {
    schema: ProblemDocument,
    description:
      "A problem by RFC 9457. `detail` is a sentence for a developer; `issues` names each invalid part of the request, and the expected value.",
  },
};

/** References a schema in the document. */
export function schemaOf(name: string): Reference {
  return { $ref: `#/components/schemas/${name}` };
}

/** Converts schemas to JSON Schema, draft 2020-12. */
export function toSchemas(named: Readonly<Record<string, NamedSchema>>): Readonly<Record<string, JsonSchema>> {
  const definitions = Object.entries(named).map(([name, { schema }]) => [name, schema] as const);
  const converted = toJsonSchemaDefs(Object.fromEntries(definitions), {
    target: "draft-2020-12",
    typeMode: "input",
    ignoreActions: ["check"],
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
  const described = Object.entries(named).map(([name, { description, keywords }]) => {
    return [name, { ...converted[name], description, ...keywords }];
  });
  return Object.fromEntries(described);
}
