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

/** What the gateway reads and answers, by name: the schemas that it checks with itself. */
export type SchemaName = keyof typeof DEFINITIONS;

/** JSON Schema can say what valibot checks by a function. */
const BOTH_OR_NEITHER = {
  dependentRequired: { wrapUpTimeConfig: ["wrapUpTimeTtl"], wrapUpTimeTtl: ["wrapUpTimeConfig"] },
};

const DESCRIPTIONS: Readonly<Record<SchemaName, Partial<JsonSchema> & { readonly description: string }>> = {
  UserId: { description: "An agent." },
  Availability: {
    description:
      "An agent's availability. `status` is a state, or the reason that stands in place of `do_not_disturb`. The wrap-up keys, in seconds, are there where the agent has configured a wrap-up time; `wrapUpTimeTtl` is what was left of it when the answer was made, at most `wrapUpTimeConfig`. `version` grows with every change and never goes back: a reader that holds a higher one drops what it has read.",
    ...BOTH_OR_NEITHER,
  },
  AvailabilityList: {
    description: "Many agents' availabilities by user id, and why there is none of the others that were asked for.",
  },
  StatusChange: {
    description:
      "What an agent is to be. `always_opened` and `auto` are other words for `available`, `always_closed` for `do_not_disturb`, `in_training` for `in_traning`. `in_call`, `on_mobile` and `offline` are what the telephony system sees, and cannot be set.",
  },
  ChangedAvailability: {
    description: "An availability, and when it last changed, in milliseconds since 1970.",
    ...BOTH_OR_NEITHER,
  },
  Removal: { description: "An agent who is there no more. The version is higher than all that the agent had." },
  Webhook: { description: "What the telephony system posts. `token` is the secret that it shares with the gateway." },
  Problem: {
    description:
      "A problem as RFC 9457 has it. `detail` is a sentence for a developer; `issues` names each part of the request that is bad, and what was expected there.",
  },
};

/** Where a schema stands in the document. */
export function schemaOf(name: SchemaName): Reference {
  return { $ref: `#/components/schemas/${name}` };
}

/** All schemas as JSON Schema, draft 2020-12. */
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
