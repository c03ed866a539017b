/** Messages for a rejection: the failed part, the cause, and whether a retry may help. */
import type { Envelope, Rejected } from "../../shared/protocol/envelope.ts";
import { toBusError } from "../../shared/protocol/errors.ts";

/** Texts of the page for a rejection. */
export interface ErrorMessage {
  readonly title: string;
  readonly message: string;
  readonly rejectedBy: string;
  readonly status: string;
  readonly code: string;
  readonly retry: string;
}

/** Message for a response that is no availability: a widget years newer than the page may send a different payload. */
export const UNREADABLE_RESPONSE: ErrorMessage = {
  title: "Unreadable answer",
  message: "The widget answered with something that this page does not know. The log shows it.",
  rejectedBy: "Nobody",
  status: "None",
  code: "None",
  retry: "Will not help",
};

/** Describes a rejection. Returns `undefined` if the caller aborted the request: an abort is no failure. */
export function describeError(event: Envelope, rejection: Rejected): ErrorMessage | undefined {
  const { code, retryable, status } = toBusError(event, rejection);
  if (code === "ABORTED") return undefined;
  // The bridge's own errors have a code and a message; the backend's body may be JSON of any kind.
  const { error } = rejection.payload;
  return {
    title: code === undefined ? (readText(error, ["title"]) ?? "The backend said no") : toSentence(code),
    message: readText(error, ["detail", "message", "title"]) ?? JSON.stringify(error),
    rejectedBy: rejection.meta.source === "bridge" ? "Bridge" : "Backend",
    status: status === undefined ? "None" : String(status),
    code: readCode(error),
    retry: retryable ? "May help" : "Will not help",
  };
}

/** Formats `BACKEND_UNREACHABLE` as `Backend unreachable`. */
function toSentence(code: string): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Reads the error's code for programs. A problem of type `about:blank` has only a status. */
function readCode(error: unknown): string {
  const code = readText(error, ["code", "type"]);
  return code === undefined || code === "about:blank" ? "None" : code;
}

/** Returns the first of the fields with a text. A body that is a string counts as the message. */
function readText(body: unknown, keys: readonly string[]): string | undefined {
  if (typeof body === "string") return keys.includes("message") ? body : undefined;
  if (typeof body !== "object" || body === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(body));
  return keys.map((key) => fields.get(key)).find(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
