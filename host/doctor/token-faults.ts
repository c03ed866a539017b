/**
 * Explains the refusal of a token by the token's claims: a gateway gives a page no reason. Only the gateway can check the signature, and compare
 * issuer, audience and customer with the settings.
 */
import { createFinding, type Finding } from "./finding.ts";

/** Difference between two clocks that a gateway accepts by default, in seconds. */
export const LEEWAY_SECONDS = 30;

/** Greatest `exp`, in seconds, about the year 5000. Later ones are milliseconds. */
const MAX_EXP = 100_000_000_000;

/** Longest lifetime of a token that a gateway accepts by default, in seconds. */
const MAX_LIFETIME_SECONDS = 86_400;

const READ_SCOPE = "availability:read";

/** Present time, for a comparison with the token's times. */
export interface Reference {
  readonly nowSeconds: number;
  /** Completes "by …", such as "this computer's clock". */
  readonly clock: string;
}

/** Explains a refusal of the token with status 401, by at least one finding. */
export function explainRefusal(token: string, reference: Reference): readonly Finding[] {
  const claims = readClaims(token);
  if (!claims) {
    return [
      createFinding(
        "token-claim",
        "The gateway refuses the token, which is no JWT: expected three parts with dots between them, the second one JSON in base64url. Give a signed JWT",
      ),
    ];
  }
  const findings = [...findTimeFaults(claims, reference), ...findClaimFaults(claims)];
  if (findings.length) return findings;
  return [
    createFinding(
      "token-refused",
      "The gateway refuses the token, whose form is right. Compare alg, kid, iss, aud, exp and customer of the token, and the key that signs it, with those that the vendor has for this customer's address: the gateway's log has the reason",
    ),
  ];
}

/** Explains a refusal with status 403. `detail` is the gateway's own sentence, if there is one. */
export function explainForbidden(detail: unknown): Finding {
  if (!isAboutToken(detail)) {
    return createFinding(
      "backend-error",
      "The gateway answers with status 403 for another reason than the token: the telephony system rejects the gateway's own credentials. Tell the vendor",
    );
  }
  return createFinding(
    "token-scope",
    `The token lacks the scope ${READ_SCOPE}. Sign tokens with the claim scope, a text with ${READ_SCOPE} in it; the gateway does not read scp`,
    { of: "token", name: "scope", value: READ_SCOPE },
  );
}

/** True if the gateway's sentence is about the page's token, and not about the gateway's own credentials at the telephony system. */
export function isAboutToken(detail: unknown): boolean {
  return typeof detail === "string" && detail.startsWith("This call needs ");
}

/**
 * Creates the finding of a page without a token, whose gateway needs one.
 *
 * @param more a further sentence, with a space before it.
 */
export function createTokenMissing(more = ""): Finding {
  return createFinding(
    "token-missing",
    `The gateway needs a token, and got none. Set data-token-url on the script tag, or fetchToken of connect${more && `.${more}`}`,
    { of: "script tag", name: "data-token-url", value: "/phone-token" },
  );
}

type Claims = Readonly<Record<string, unknown>>;

function readClaims(token: string): Claims | undefined {
  const parts = token.split(".");
  try {
    const bytes = Uint8Array.from(atob((parts[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")), (each) =>
      each.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return parts.length === 3 && typeof claims === "object" && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}

function findTimeFaults({ exp, nbf, iat }: Claims, { nowSeconds, clock }: Reference): readonly Finding[] {
  if (typeof nbf === "number" && nbf > nowSeconds + LEEWAY_SECONDS) {
    return [
      createFinding(
        "clock-skew",
        `The token begins ${Math.round(nbf - nowSeconds)} s in the future by ${clock}. Set the clock of the server that signs tokens, whose times may differ from the gateway's by ${LEEWAY_SECONDS} s, or leave nbf out`,
        { of: "token", name: "nbf", value: "the present time" },
      ),
    ];
  }
  if (typeof exp === "number" && exp <= MAX_EXP && exp + LEEWAY_SECONDS < nowSeconds) {
    return [
      createFinding(
        "token-expired",
        `The token has expired ${Math.round(nowSeconds - exp)} s ago by ${clock}. Sign a new token for each answer, with exp some minutes in the future, and compare the clock of the server that signs tokens with the gateway's`,
        { of: "token", name: "exp", value: "some minutes in the future" },
      ),
    ];
  }
  if (typeof exp === "number" && exp <= MAX_EXP) {
    const seconds = Math.max(exp - nowSeconds - LEEWAY_SECONDS, typeof iat === "number" ? exp - iat : 0);
    if (seconds > MAX_LIFETIME_SECONDS) {
      return [
        createFinding(
          "token-claim",
          `The token lives for ${Math.round(seconds)} s. Sign tokens with exp some minutes in the future: a gateway accepts a day, ${MAX_LIFETIME_SECONDS} s, unless the vendor has set another maxLifetimeSeconds`,
          { of: "token", name: "exp", value: "some minutes in the future" },
        ),
      ];
    }
  }
  return [];
}

/** Each claim that a gateway needs: whether a value is right, and what it expects. */
const CLAIMS: readonly (readonly [name: string, isRight: (value: unknown) => boolean, expected: string])[] = [
  ["exp", (value) => typeof value === "number" && value <= MAX_EXP, "a number of seconds since 1970"],
  ["customer", isText, "the customer's id, as text"],
  [
    "sub",
    (value) => isText(value) && /^(?:operator|[1-9]\d{0,15})$/.test(value),
    'a user id in decimal, as text, or "operator"',
  ],
  ["iss", isText, "the customer's issuer, as text"],
  ["aud", (value) => isText(value) || Array.isArray(value), "the customer's audience, as text"],
];

function findClaimFaults(claims: Claims): readonly Finding[] {
  return CLAIMS.filter(([name, isRight]) => !isRight(claims[name])).map(([name, , expected]) =>
    createFinding(
      "token-claim",
      // Without the value, which is the user's.
      `The gateway refuses the token, whose claim ${name} is ${claims[name] === undefined ? "missing" : "another value"}. Sign tokens with ${name}: expected ${expected}`,
      { of: "token", name, value: expected },
    ),
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
