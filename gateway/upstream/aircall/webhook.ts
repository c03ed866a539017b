import { createHash, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { UserId } from "../../../shared/contracts/availability.ts";

/** What has become of a webhook. */
export type WebhookOutcome = "taken" | "refused" | "malformed";

/** Takes the text of a webhook in, and returns at once. What follows from it is done afterwards. */
export type WebhookReceiver = (text: string) => WebhookOutcome;

export interface WebhookReceiverOptions {
  /** The secret that a webhook has to bring; there is no signature. */
  readonly token: string;
  /** Hears which agent is to be read anew. */
  readonly onChange: (userId: number) => void;
}

/** What the vendor posts. Its `timestamp` is in seconds, and says nothing of the order within one; it is not used. */
export const WebhookEnvelope = v.object({
  resource: v.string(),
  event: v.string(),
  token: v.string(),
  data: v.unknown(),
});

const User = v.object({ id: UserId });

/** Events after which an agent's availability may be another, under their old names and as `.v2`. */
const USER_EVENT = /^user\.(created|deleted|connected|disconnected|opened|closed|wut_start|wut_end)(\.v2)?$/;

/**
 * A receiver of webhooks. What they say of an agent is not believed but read anew from the API: they come twice, late, and in any order,
 * and no field of theirs says which was the last.
 */
export function createWebhookReceiver({ token, onChange }: WebhookReceiverOptions): WebhookReceiver {
  const expected = digest(token);
  return (text) => {
    const envelope = v.safeParse(v.pipe(v.string(), v.parseJson(), WebhookEnvelope), text);
    if (!envelope.success) return "malformed";
    const { resource, event, data } = envelope.output;
    // Of equal length whatever is given, so that the time it takes tells nothing of the token.
    if (!timingSafeEqual(digest(envelope.output.token), expected)) return "refused";
    if (resource === "user" && USER_EVENT.test(event) && v.is(User, data)) onChange(data.id);
    return "taken";
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
