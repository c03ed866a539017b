import * as v from "valibot";
import { UserId } from "../../shared/contracts/availability.ts";

/** What a token may allow. */
export const SCOPES = ["availability:read", "availability:write"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who calls, as a verified token says. */
export interface Caller {
  /** An agent by user id, or the customer's own operator, who may set every agent's availability. */
  readonly subject: number | "operator";
  readonly scopes: ReadonlySet<Scope>;
  /** Stands for the token wherever the token itself must not be: in a limiter's table, in a log. It cannot be reversed. */
  readonly key: string;
  /** When the token is refused for its age, leeway included, in milliseconds since 1970. */
  readonly endsAtMs: number;
}

/** A user has one name, so `"01"` and `"1e3"` are none. */
const AgentSubject = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,15}$/),
  v.transform((text) => Number(text)),
  UserId,
);

/** What the gateway reads of a token's claims, once `jose` has checked signature, issuer, audience and times. */
export const CallerClaims = v.object({
  /** Seconds since 1970. */
  exp: v.number("a number of seconds"),
  customer: v.string("the customer's id"),
  sub: v.union([v.literal("operator"), AgentSubject], 'a user id in decimal, as text, or "operator"'),
  // What is no scope of ours is another service's.
  scope: v.optional(
    v.pipe(
      v.string("names with spaces between them"),
      v.transform((text): ReadonlySet<Scope> => {
        const names = text.split(" ");
        return new Set(SCOPES.filter((scope) => names.includes(scope)));
      }),
    ),
    "",
  ),
});
