import * as v from "valibot";

/** Bounds of the timeout: a call over the internet needs time, and a caller does not wait longer. */
export const MIN_TIMEOUT_MS = 100;
export const MAX_TIMEOUT_MS = 60_000;

const BaseUrl = v.pipe(
  v.string("expected the API's address, such as https://api.aircall.io"),
  v.check(
    isBaseUrl,
    "expected an https address without a query (http only for this machine), such as https://api.aircall.io",
  ),
  v.transform((text) => new URL(text.endsWith("/") ? text : `${text}/`)),
);

const Secret = v.pipe(v.string("expected a text"), v.minLength(1, "expected a text that is not empty"));

/** Shorter than the tokens that the vendor makes, and too long to be found by trying. */
const MIN_WEBHOOK_TOKEN_LENGTH = 8;

const WEBHOOK_TOKEN = `expected the webhook's token, a text of at least ${MIN_WEBHOOK_TOKEN_LENGTH} characters`;
const WebhookToken = v.pipe(v.string(WEBHOOK_TOKEN), v.minLength(MIN_WEBHOOK_TOKEN_LENGTH, WEBHOOK_TOKEN));

function wholeNumber(min: number, max: number) {
  const message = `expected a whole number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.safeInteger(message), v.minValue(min, message), v.maxValue(max, message));
}

/** Customer's account with the vendor. */
export const AircallSettings = v.strictObject({
  kind: v.literal("aircall"),
  /** The two halves of the API key. */
  apiId: Secret,
  apiToken: Secret,
  baseUrl: v.optional(BaseUrl, "https://api.aircall.io"),
  /** Requests per minute of all gateways together. The account's other programs share the account's limit. */
  requestsPerMinute: v.optional(wholeNumber(6, 6_000), 60),
  /** Timeout of a call, body included, in milliseconds; by default `UPSTREAM_TIMEOUT_MS`. */
  timeoutMs: v.optional(wholeNumber(MIN_TIMEOUT_MS, MAX_TIMEOUT_MS)),
  /** Duration of wrap-up time in seconds, unknown to the API. Without it, availabilities contain no wrap-up time. */
  wrapUpSeconds: v.optional(wholeNumber(1, 86_400)),
  /** Token of the account's webhook. Without it, no webhooks are received and polls find the changes. */
  webhookToken: v.optional(WebhookToken),
});
export type AircallSettings = v.InferOutput<typeof AircallSettings>;

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, search, hash, username, password } = new URL(text);
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return (protocol === "https:" || (protocol === "http:" && isLocal)) && !(search || hash || username || password);
}
