import { createHash, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { UserId } from "../../../shared/contracts/availability.ts";

/** Outcome of a webhook. */
export type WebhookOutcome = "accepted" | "rejected" | "malformed";

/** Handles the text of a webhook and returns at once. The refresh follows later. */
export type WebhookReceiver = (text: string) => WebhookOutcome;

export interface WebhookReceiverOptions {
  /** Secret that a webhook must contain; the vendor does not sign webhooks. */
  readonly token: string;
  /** Called with the user id of an agent to read again. */
  readonly onChange: (userId: number) => void;
}

/** Webhook as the vendor posts it. The `timestamp` in whole seconds cannot order events and is not used. */
export const WebhookEnvelope = v.object({
  resource: v.string(),
  event: v.string(),
  token: v.string(),
  data: v.unknown(),
});

const User = v.object({ id: UserId });

/** Events after which an agent's availability may differ, with old names and as `.v2`. */
const USER_EVENT = /^user\.(created|deleted|connected|disconnected|opened|closed|wut_start|wut_end)(\.v2)?$/;

/**
 * Creates a receiver of webhooks. The receiver reads the agent again from the API and ignores the webhook's data:
 * webhooks come twice, late and out of order, and no field tells the latest.
 */
export function createWebhookReceiver({ token, onChange }: WebhookReceiverOptions): WebhookReceiver {
  const expected = digest(token);
  return (text) => {
    const envelope = v.safeParse(v.pipe(v.string(), v.parseJson(), WebhookEnvelope), text);
    if (!envelope.success) return "malformed";
    const { resource, event, data } = envelope.output;
    // Digests have equal length, so the duration of the comparison reveals nothing of the token.
    if (!timingSafeEqual(digest(envelope.output.token), expected)) return "rejected";
    if (resource === "user" && USER_EVENT.test(event) && v.is(User, data)) onChange(data.id);
    return "accepted";
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
