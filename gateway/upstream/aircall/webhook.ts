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
  /** Called with the user id of each agent to read again. */
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

/** Events after which the availability of a call's agents may differ. */
const CALL_EVENT =
  /^call\.(created|ringing_on_agent|agent_declined|answered|transferred|external_transferred|unsuccessful_transfer|hungup|ended)$/;

/** A participant of a call; other types than `user` are no agents. */
const Participant = v.object({ type: v.literal("user"), id: UserId });

/**
 * Returns the agents of a call: the agent of the call, the agents that transferred it and received the transfer, and the
 * participants. Each field may be absent or empty.
 */
function findCallUsers(data: unknown): readonly number[] {
  const call = v.safeParse(v.record(v.string(), v.unknown()), data);
  if (!call.success) return [];
  const { user, transferred_by: from, transferred_to: to, participants } = call.output;
  const users = [user, from, to].filter((each) => v.is(User, each));
  const others = Array.isArray(participants) ? participants.filter((each) => v.is(Participant, each)) : [];
  return [...new Set([...users, ...others].map(({ id }) => id))];
}

/** Returns the agents whose availability may differ after an event. */
function findUsers({ resource, event, data }: v.InferOutput<typeof WebhookEnvelope>): readonly number[] {
  if (resource === "user" && USER_EVENT.test(event)) return v.is(User, data) ? [data.id] : [];
  return resource === "call" && CALL_EVENT.test(event) ? findCallUsers(data) : [];
}

/**
 * Creates a receiver of webhooks. The receiver reads the agents again from the API and uses nothing else of the webhook:
 * webhooks come twice, late and out of order, and no field tells the latest.
 */
export function createWebhookReceiver({ token, onChange }: WebhookReceiverOptions): WebhookReceiver {
  const expected = digest(token);
  const isToken = (text: string) => timingSafeEqual(digest(text), expected);
  return (text) => {
    // Before the text is parsed: parsing 1 MiB of a stranger would hold up the gateway.
    if (!findTokens(text).some(isToken)) return "rejected";
    const envelope = v.safeParse(v.pipe(v.string(), v.parseJson(), WebhookEnvelope), text);
    if (!envelope.success) return "malformed";
    // The first comparison may have found the token of something in the data.
    if (!isToken(envelope.output.token)) return "rejected";
    for (const userId of findUsers(envelope.output)) onChange(userId);
    return "accepted";
  };
}

/** A member `token` with a text in JSON. */
const TOKEN_MEMBER = /"token"\s*:\s*("(?:[^"\\]|\\.){0,1024}")/g;

/** Number of tokens to look at: the data of an event may have others before the webhook's own. */
const MAX_TOKENS = 16;

/** Finds the members `token` of a text that may be JSON, at any depth, without parsing the text. */
function findTokens(text: string): readonly string[] {
  const tokens: string[] = [];
  for (const [, quoted = ""] of text.matchAll(TOKEN_MEMBER)) {
    const token = v.safeParse(v.pipe(v.string(), v.parseJson(), v.string()), quoted);
    if (token.success) tokens.push(token.output);
    if (tokens.length === MAX_TOKENS) break;
  }
  return tokens;
}

/** Digests have equal length, so the duration of a comparison reveals nothing of the token. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
