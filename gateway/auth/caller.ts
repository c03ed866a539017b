import * as v from "valibot";
import { UserId } from "../../shared/contracts/availability.ts";

/** Scopes that a token may grant. */
export const SCOPES = ["availability:read", "availability:write"] as const;
export type Scope = (typeof SCOPES)[number];

/** Caller of a request, from the verified token. */
export interface Caller {
  /** User id of an agent, or the customer's operator, who may set every agent's availability. */
  readonly subject: number | "operator";
  readonly scopes: ReadonlySet<Scope>;
  /** True if the token has the claim `scp`, as of Okta or Azure, and no `scope`: the log says so if a scope is missing. */
  readonly hasOnlyScp?: boolean;
  /**
   * Key of the token's signature, together with the rules for the customer's tokens. A reload may withdraw the authority.
   * Absent for callers of a permanent authority.
   */
  readonly authority?: string;
  /** Time from which the token is rejected as expired, leeway included, in milliseconds since 1970. */
  readonly endsAtMs: number;
}

/** A user id has one spelling, so `"01"` and `"1e3"` are rejected. */
const AgentSubject = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,15}$/),
  v.transform((text) => Number(text)),
  UserId,
);

/** Expected value of each claim, for the log line of a rejected token. */
export const EXPECTED_CLAIMS = {
  exp: "a number of seconds since 1970",
  iat: "a number of seconds since 1970",
  customer: "the customer's id, as text",
  sub: 'a user id in decimal, as text, or "operator"',
  scope: "scopes with spaces between them, as text",
  scp: "any value",
} as const;

/** Greatest `exp`, in seconds, about the year 5000. Later ones are milliseconds: a token that never ends. */
const MAX_EXP = 100_000_000_000;

/** Claims that the gateway reads after `jose` has verified signature, issuer, audience and times. */
export const CallerClaims = v.object({
  exp: v.pipe(v.number(), v.maxValue(MAX_EXP)),
  iat: v.optional(v.number()),
  customer: v.string(),
  sub: v.union([v.literal("operator"), AgentSubject]),
  // Unknown scopes belong to other services.
  scope: v.optional(
    v.pipe(
      v.string(),
      v.transform((text): ReadonlySet<Scope> => {
        const names = text.split(" ");
        return new Set(SCOPES.filter((scope) => names.includes(scope)));
      }),
    ),
  ),
  // Another claim for scopes, which the gateway does not read.
  scp: v.optional(v.unknown()),
});
