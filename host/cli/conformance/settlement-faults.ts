/** Faults of an answer, in sentences. */
import * as v from "valibot";
import { REJECTION_CODES } from "../../../shared/protocol/rejection.ts";
import type { Answer } from "./harness.ts";

/** The expected settlement of an event. */
export interface Expected {
  /** Type of the event. */
  readonly type: string;
  /** The event's `meta.id`; absent for a settlement without an id. */
  readonly id?: string | undefined;
  /** Code of the bridge's rejection; absent if any settlement is allowed. */
  readonly code?: string;
  /** True if the event has to fulfil. @default false */
  readonly isFulfilled?: boolean;
}

const Settlement = v.looseObject({
  type: v.string(),
  payload: v.optional(v.unknown()),
  meta: v.optional(v.record(v.string(), v.unknown())),
});

const Rejection = v.looseObject({ payload: v.looseObject({ error: v.unknown() }) });
const BridgeError = v.looseObject({
  code: v.picklist(Object.keys(REJECTION_CODES)),
  message: v.string(),
  retryable: v.boolean(),
});

/** Parses a settlement; `undefined` for any other answer. */
export function readSettlement({ replies, isError, text }: Answer): v.InferOutput<typeof Settlement> | undefined {
  if (replies === 0 || isError || text === "undefined") return undefined;
  const result = v.safeParse(Settlement, JSON.parse(text));
  return result.success ? result.output : undefined;
}

/** Reads the code of a rejection by the bridge. */
export function readCode(answer: Answer): unknown {
  return Object(Object(readSettlement(answer)?.payload).error).code;
}

/** Lists the faults of an answer. `what` names the event. */
export function findFaults(what: string, answer: Answer, expected: Expected): readonly string[] {
  const { type, id, code, isFulfilled = false } = expected;
  if (answer.replies === 0) return [`${what}: expected a settlement, and none came`];
  if (answer.replies > 1) return [`${what}: expected one settlement, and ${answer.replies} came`];
  if (answer.isError) return [`${what}: expected a settlement, and the call rejected with ${shorten(answer.text)}`];
  const settlement = readSettlement(answer);
  if (!settlement) return [`${what}: expected { type, payload?, meta? }, and ${shorten(answer.text)} came`];
  const faults: string[] = [];
  const types = code === undefined ? [`${type}_FULFILLED`, `${type}_REJECTED`] : [`${type}_REJECTED`];
  const allowed = isFulfilled ? [`${type}_FULFILLED`] : types;
  if (!allowed.includes(settlement.type)) {
    faults.push(`${what}: expected the type ${allowed.join(" or ")}, and ${shorten(answer.text)} came`);
  }
  const echoed = settlement.meta?.["id"];
  if (echoed !== id) faults.push(`${what}: expected meta.id ${toText(id)}, and ${toText(echoed)} came`);
  if (settlement.type === `${type}_REJECTED`) faults.push(...findRejectionFaults(what, settlement));
  const found = Object(Object(settlement.payload).error).code;
  if (code !== undefined && found !== code)
    faults.push(`${what}: expected the code ${code}, and ${toText(found)} came`);
  return faults;
}

function findRejectionFaults(what: string, settlement: v.InferOutput<typeof Settlement>): readonly string[] {
  const source = settlement.meta?.["source"];
  if (!v.is(Rejection, settlement)) return [`${what}: expected payload.error in a rejection`];
  if (source === "backend") {
    const status = settlement.meta?.["status"];
    return Number.isSafeInteger(status)
      ? []
      : [`${what}: expected the backend's meta.status, and ${toText(status)} came`];
  }
  if (source !== "bridge") return [`${what}: expected meta.source "backend" or "bridge", and ${toText(source)} came`];
  const { issues = [] } = v.safeParse(BridgeError, settlement.payload.error);
  return issues.map((issue) => `${what}: payload.error.${v.getDotPath(issue)}: ${issue.message}`);
}

/** Writes a value for a sentence. */
export function toText(value: unknown): string {
  return shorten(String(JSON.stringify(value)));
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
