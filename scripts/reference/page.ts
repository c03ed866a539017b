/** Writes `docs/reference.md` from the contract: every event, every field, what it fulfils with, and an example of each. */
import type { GenericSchema } from "valibot";
import { Availabilities, Availability, ChangedAvailability } from "../../shared/contracts/availability.ts";
import type { RequestEntry } from "../../shared/contracts/contract.ts";
import { announcements, contract, hostContract } from "../../shared/contracts/index.ts";
import { NoPayload } from "../../shared/contracts/no-payload.ts";
import { REJECTION_CODES } from "../../shared/protocol/rejection.ts";
import {
  ANNOUNCEMENT_DESCRIPTIONS,
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

/** Shapes that are named once and referred to. */
const NAMED = new Map<GenericSchema, string>([
  [Availability, AVAILABILITY],
  [ChangedAvailability, "a [changed availability](#changed-availability)"],
  [Availabilities, `an object that holds ${AVAILABILITY} for each user id, which is its key as text`],
  [NoPayload, "none"],
]);

/** The whole page. */
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
    "Told unasked, and answered with nothing.",
    ...Object.entries(announcements).map(([type, { announced }]) => announcement(type, announced)),
    "## Rejections",
    REJECTIONS,
    table(["code", "retryable", "meaning"], codes()),
  ];
  return `${sections.join("\n\n")}\n`;
}

const INTRODUCTION = `# Reference

Every event of the bus. Written by \`npm run reference\` from the contract in \`shared/contracts\`, whose schemas check what is sent:
do not edit. \`availability-bridge/contract.schema.json\` says the same to machines. How events travel is in [protocol.md](protocol.md).

A payload has the fields that stand here and no others. A field with a \`?\` may be absent. "Expected" is what an \`INVALID_REQUEST\` says of
a field that is something else. Where the widget is lost before it has answered, the connector sends an idempotent request again to the one
that takes its place; any other settles as \`CONNECTION_CLOSED\`, and whether it was done is not known.`;

const REJECTIONS = `Every request may settle as \`<type>_REJECTED\`. With \`meta.source\` \`"backend"\`, \`payload.error\` is the backend's own body,
untouched, and \`meta.status\` its HTTP status. With \`"bridge"\` it is \`{ code, message, retryable, issues? }\`; an issue is \`{ path, expected }\`.`;

function shape(name: keyof typeof SHAPE_DESCRIPTIONS, schema: GenericSchema): string {
  const { does, fields } = SHAPE_DESCRIPTIONS[name];
  return [`### ${name}`, does, fieldTable(name, schema, fields)].join("\n\n");
}

function requests<Contract extends Readonly<Record<string, RequestEntry>>>(
  entries: Contract,
  meanings: Readonly<Record<keyof Contract, RequestDescription>>,
): readonly string[] {
  // In the order of the meanings, which is that of a reader.
  return Object.entries<RequestDescription>(meanings).map(([type, meaning]) => {
    const entry = entries[type];
    if (!entry) throw new Error(`${type} is no event`);
    return request(type, entry, meaning);
  });
}

function request(type: string, { payload, fulfilled, idempotent }: RequestEntry, meaning: RequestDescription): string {
  return [
    `### ${type}`,
    meaning.does,
    `Idempotent: ${idempotent ? "yes" : "no"}.`,
    described(`${type}, payload`, "Payload", payload, meaning.payload),
    described(`${type}, fulfilled`, "Fulfils with", fulfilled, meaning.fulfilled),
    ...examples(type, { payload, fulfilled }, meaning),
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
  const meaning = Object.entries(ANNOUNCEMENT_DESCRIPTIONS).find(([name]) => name === type)?.[1];
  if (!meaning) throw new Error(`${type} has no meaning`);
  const example = `\`\`\`json\n${toJsonText(findAnnounced(type))}\n\`\`\``;
  return [`### ${type}`, meaning, described(type, "Payload", schema), example].join("\n\n");
}

function described(where: string, what: string, schema: GenericSchema, meanings: FieldDescriptions = {}): string {
  const named = NAMED.get(schema) ?? (schema.type === "void" ? "none" : undefined);
  if (named) return `${what}: ${named}.`;
  const fields = fieldsOf(schema);
  if (fields.length === 0) return `${what}: an empty object.`;
  return `${what}:\n\n${fieldTable(where, schema, meanings)}`;
}

function fieldTable(where: string, schema: GenericSchema, meanings: FieldDescriptions): string {
  const fields = fieldsOf(schema);
  const untold = fields.filter(({ path }) => !Object.hasOwn(meanings, path));
  const paths = new Set(fields.map(({ path }) => path));
  const gone = Object.keys(meanings).filter((path) => !paths.has(path));
  if (untold.length > 0) throw new Error(`${where}: ${untold.map(({ path }) => path).join()} has no meaning`);
  if (gone.length > 0) throw new Error(`${where}: ${gone.join()} is no field`);
  return table(
    ["field", "type", "expected", "meaning"],
    fields.map(({ path, isOptional, schema: field }) => [
      `\`${path}\`${isOptional ? "?" : ""}`,
      typeOf(field),
      expectationOf(field),
      meanings[path] ?? "",
    ]),
  );
}

function codes(): readonly (readonly string[])[] {
  return Object.entries(REJECTION_CODES).map(([code, { retryable }]) => [
    `\`${code}\``,
    retryable ? "yes" : "no",
    CODE_DESCRIPTIONS[code as keyof typeof REJECTION_CODES],
  ]);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
