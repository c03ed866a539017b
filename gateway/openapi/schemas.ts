import { type JsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import { Availability, ChangedAvailability, Removal, UserId } from "../../shared/contracts/availability.ts";
import { ProblemDocument } from "../http/problem.ts";
import { AvailabilityList } from "../http/routes/availabilities.ts";
import { StatusChangeRequest } from "../http/routes/status-change.ts";
import { WebhookEnvelope } from "../upstream/aircall/webhook.ts";
import type { Reference } from "./openapi-document.ts";

const DEFINITIONS = {
  UserId,
  Availability,
  AvailabilityList,
  StatusChange: StatusChangeRequest,
  ChangedAvailability,
  Removal,
  Webhook: WebhookEnvelope,
  Problem: ProblemDocument,
};

/** Names of the schemas, by which the gateway validates too. */
export type SchemaName = keyof typeof DEFINITIONS;

/** Part of JSON Schema for a rule that valibot checks by a function. */
const BOTH_OR_NEITHER = {
  dependentRequired: { wrapUpTimeConfig: ["wrapUpTimeTtl"], wrapUpTimeTtl: ["wrapUpTimeConfig"] },
};

const DESCRIPTIONS: Readonly<Record<SchemaName, Partial<JsonSchema> & { readonly description: string }>> = {
  UserId: { description: "An agent." },
  Availability: {
    description:
      "An agent's availability. `status` is a state, or a reason in place of `do_not_disturb`. The wrap-up keys, in seconds, are present if the agent has configured a wrap-up time; `wrapUpTimeTtl` is the remaining time when the response was made, at most `wrapUpTimeConfig`. `version` grows with every change and never decreases: a client with a higher version ignores the response.",
    ...BOTH_OR_NEITHER,
  },
  AvailabilityList: {
    description: "Availabilities by user id, and a problem for each requested agent without one.",
  },
  StatusChange: {
    description:
      "The agent's new status. `always_opened` and `auto` mean `available`, `always_closed` means `do_not_disturb`, and `in_training` means `in_traning`. `in_call`, `on_mobile` and `offline` are set by the telephony system only.",
  },
  ChangedAvailability: {
    description: "An availability, and the time of its last change, in milliseconds since 1970.",
    ...BOTH_OR_NEITHER,
  },
  Removal: { description: "A removed agent. The version is higher than all versions of the agent." },
  Webhook: { description: "The telephony system's webhook. `token` is the secret that it shares with the gateway." },
  Problem: {
    description:
      "A problem by RFC 9457. `detail` is a sentence for a developer; `issues` names each invalid part of the request, and the expected value.",
  },
};

/** References a schema in the document. */
export function schemaOf(name: SchemaName): Reference {
  return { $ref: `#/components/schemas/${name}` };
}

/** Converts the schemas to JSON Schema, draft 2020-12. */
export function toSchemas(): Readonly<Record<SchemaName, JsonSchema>> {
  const converted = toJsonSchemaDefs(DEFINITIONS, {
    target: "draft-2020-12",
    typeMode: "input",
    ignoreActions: ["check"],
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
  const described = Object.entries(converted).map(([name, schema]) => {
    return [name, { ...schema, ...DESCRIPTIONS[name as SchemaName] }];
  });
  return Object.fromEntries(described);
}
