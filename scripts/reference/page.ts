/** Writes `docs/reference.md` from the contract: every event, every field, the result, and an example of each event. */
import type { GenericSchema } from "valibot";
import {
  Availabilities,
  Availability,
  ChangedAvailability,
  WatchedAvailabilities,
} from "../../shared/contracts/availability.ts";
import type { RequestEntry } from "../../shared/contracts/contract.ts";
import { announcements, contract, hostContract } from "../../shared/contracts/index.ts";
import { NoPayload } from "../../shared/contracts/no-payload.ts";
import { LAST_FINAL, REJECTION_CODES } from "../../shared/protocol/rejection.ts";
import {
  ANNOUNCEMENT_DESCRIPTIONS,
  type AnnouncementDescription,
  CODE_DESCRIPTIONS,
  type FieldDescriptions,
  HOST_REQUEST_DESCRIPTIONS,
  REQUEST_DESCRIPTIONS,
  type RequestDescription,
  SHAPE_DESCRIPTIONS,
} from "./descriptions.ts";
import { findAnnounced, findExchange, sampleExchange } from "./examples.ts";
import { expectationOf, fieldsOf, typeOf } from "./fields.ts";
import { toJsonText } from "./json-text.ts";

const AVAILABILITY = "an [availability](#availability)";

/** Shapes that the page describes once and links to. */
const NAMED = new Map<GenericSchema, string>([
  [Availability, AVAILABILITY],
  [ChangedAvailability, "a [changed availability](#changed-availability)"],
  [Availabilities, `an object with ${AVAILABILITY} for each user id, whose key is the id as text`],
  [
    WatchedAvailabilities,
    `an object with ${AVAILABILITY}, or \`{ error, status }\`, for each user id, whose key is the id as text`,
  ],
  [NoPayload, "none"],
]);

/** Creates the whole page. */
export function createReferencePage(): string {
  const sections = [
    INTRODUCTION,
    "## Shapes",
    shape("Availability", Availability),
    shape("Changed availability", ChangedAvailability),
    "## Requests to the widget",
    ...requests(contract, REQUEST_DESCRIPTIONS),
    "## Requests to the page",
    ...requests(hostContract, HOST_REQUEST_DESCRIPTIONS),
    "## Announcements",
    "Sent without a request. The page sends no response.",
    ...Object.entries(announcements).map(([type, { announced }]) => announcement(type, announced)),
    "## Rejections",
    REJECTIONS,
    table(["code", "retryable", "meaning"], codes()),
  ];
  return `${sections.join("\n\n")}\n`;
}

const INTRODUCTION = `# Reference

Every event between page and widget. Written by \`npm run reference\` from the contract in \`shared/contracts\`, whose schemas check what is sent:
do not edit. \`availability-bridge/contract.schema.json\` and \`contract.asyncapi.json\` are the same for machines. [protocol.md](protocol.md) describes how events travel.
*Backend* is the gateway, which is the vendor's server.

A payload has the listed fields and no others. A field with a \`?\` may be absent. "Expected" is the text of an \`INVALID_REQUEST\` for an
invalid field. If the widget is lost before it has responded, the connector sends an idempotent request again to the next widget; any other
request settles as \`CONNECTION_CLOSED\`, and its outcome is unknown.`;

const REJECTIONS = `Every request may settle as \`<type>_REJECTED\`. With \`meta.source\` \`"backend"\`, \`payload.error\` is the backend's own body,
unchanged, and \`meta.status\` its HTTP status. With \`"bridge"\` it is \`{ code, message, retryable, issues? }\`; an issue is \`{ path, expected }\`.`;

function shape(name: keyof typeof SHAPE_DESCRIPTIONS, schema: GenericSchema): string {
  const { does, fields } = SHAPE_DESCRIPTIONS[name];
  return [`### ${name}`, does, fieldTable(name, schema, fields)].join("\n\n");
}

function requests<Contract extends Readonly<Record<string, RequestEntry>>>(
  entries: Contract,
  descriptions: Readonly<Record<keyof Contract, RequestDescription>>,
): readonly string[] {
  // In the order of the descriptions, which is meant for readers.
  return Object.entries<RequestDescription>(descriptions).map(([type, description]) => {
    const entry = entries[type];
    if (!entry) throw new Error(`${type} is no event`);
    return request(type, entry, description);
  });
}

function request(
  type: string,
  { payload, fulfilled, idempotent }: RequestEntry,
  description: RequestDescription,
): string {
  return [
    `### ${type}`,
    description.does,
    `Idempotent: ${idempotent ? "yes" : "no"}.`,
    described(`${type}, payload`, "Payload", payload, description.payload),
    described(`${type}, fulfilled`, "Fulfils with", fulfilled, description.fulfilled),
    ...examples(type, { payload, fulfilled }, description),
  ].join("\n\n");
}

function examples(
  type: string,
  schemas: Pick<RequestEntry, "payload" | "fulfilled">,
  { examples: shown }: RequestDescription,
): readonly string[] {
  const exchanges =
    "fulfilled" in shown ? [sampleExchange(type, schemas, shown)] : shown.map((name) => findExchange(type, name));
  return exchanges.map(
    ({ event, settlement }) => `\`\`\`json\n${toJsonText(event)}\n${toJsonText(settlement)}\n\`\`\``,
  );
}

function announcement(type: string, schema: GenericSchema): string {
  const descriptions: Readonly<Record<string, AnnouncementDescription>> = ANNOUNCEMENT_DESCRIPTIONS;
  const description = descriptions[type];
  if (!description) throw new Error(`${type} has no description`);
  const example = `\`\`\`json\n${toJsonText(findAnnounced(type))}\n\`\`\``;
  return [`### ${type}`, description.does, described(type, "Payload", schema, description.payload), example].join(
    "\n\n",
  );
}

function described(where: string, what: string, schema: GenericSchema, descriptions: FieldDescriptions = {}): string {
  const named = NAMED.get(schema) ?? (schema.type === "void" ? "none" : undefined);
  if (named) return `${what}: ${named}.`;
  const fields = fieldsOf(schema);
  if (fields.length === 0) return `${what}: an empty object.`;
  return `${what}:\n\n${fieldTable(where, schema, descriptions)}`;
}

function fieldTable(where: string, schema: GenericSchema, descriptions: FieldDescriptions): string {
  const fields = fieldsOf(schema);
  const undescribed = fields.filter(({ path }) => !Object.hasOwn(descriptions, path));
  const paths = new Set(fields.map(({ path }) => path));
  const unknown = Object.keys(descriptions).filter((path) => !paths.has(path));
  if (undescribed.length > 0)
    throw new Error(`${where}: ${undescribed.map(({ path }) => path).join()} has no description`);
  if (unknown.length > 0) throw new Error(`${where}: ${unknown.join()} is no field`);
  return table(
    ["field", "type", "expected", "meaning"],
    fields.map(({ path, isOptional, schema: field }) => [
      `\`${path}\`${isOptional ? "?" : ""}`,
      typeOf(field),
      expectationOf(field),
      descriptions[path] ?? "",
    ]),
  );
}

function codes(): readonly (readonly string[])[] {
  return Object.entries(REJECTION_CODES).map(([code, kind]) => [
    `\`${code}\``,
    kind > LAST_FINAL ? "yes" : "no",
    CODE_DESCRIPTIONS[code as keyof typeof REJECTION_CODES],
  ]);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
