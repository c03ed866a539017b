import { toUserBody } from "./api.ts";
import type { FakeUser } from "./company.ts";

/** Body that the vendor posts to subscribed webhooks. */
export interface WebhookEnvelope {
  readonly resource: string;
  readonly event: string;
  /** Whole seconds since 1970. */
  readonly timestamp: number;
  /** The only secret: the vendor sends no signature. */
  readonly token: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An event before it is stamped and signed. */
export type WebhookEvent = Pick<WebhookEnvelope, "event" | "data">;

/**
 * Returns the events of a change: of the agent, each under its old name and as `.v2`, and of a call that begins or ends.
 * Going unavailable sends two events, and only the second has the sub-status, as for a company that uses sub-statuses.
 */
export function toWebhookEvents(before: FakeUser | undefined, after: FakeUser | undefined): readonly WebhookEvent[] {
  const user = after ?? before;
  if (!user) return [];
  const data = toUserBody(user);
  const ofUser = toNames(before, after).flatMap((name) => {
    const first = bothVersions(name, data);
    return name === "closed" ? [...first, ...bothVersions(name, { ...data, substatus: user.availability })] : first;
  });
  return [...ofUser, ...toCallNames(before, after).map((event) => ({ event, data: { id: 1, user: data } }))];
}

function toCallNames(before: FakeUser | undefined, after: FakeUser | undefined): readonly string[] {
  const [wasInCall, isInCall] = [before, after].map((user) => user?.availability === "in_call");
  if (wasInCall === isInCall) return [];
  return isInCall ? ["call.answered"] : ["call.hungup", "call.ended"];
}

function toNames(before: FakeUser | undefined, after: FakeUser | undefined): readonly string[] {
  if (!before) return ["created"];
  if (!after) return ["deleted"];
  const [was, is] = [before.availability, after.availability];
  if (was === is) return [];
  const names: string[] = [];
  if (was === "offline") names.push("connected");
  if (was === "after_call_work") names.push("wut_end");
  if (is === "offline") names.push("disconnected");
  else if (is === "after_call_work") names.push("wut_start");
  else if (is === "available") names.push("opened");
  else if (is !== "in_call") names.push("closed");
  return names;
}

function bothVersions(name: string, data: WebhookEvent["data"]): readonly WebhookEvent[] {
  return [
    { event: `user.${name}`, data },
    { event: `user.${name}.v2`, data },
  ];
}
