// @ts-check
/** Tokens of the demo page, as a customer's own site would sign them for signed-in agents. */
import { SignJWT } from "jose";

/** Long enough for a page to use the token, short enough to be of little use to a thief. */
const TTL_SECONDS = 300;

/**
 * Signs a token for agent 123, who is signed in at the demo page, or for the operator, who may change every agent.
 *
 * @param {string} secret the gateway's `DEMO_TOKEN_SECRET`
 * @param {"123" | "operator"} [subject]
 * @returns {Promise<string>}
 */
export async function mintDemoToken(secret, subject = "123") {
  return new SignJWT({ customer: "demo", scope: "availability:read availability:write" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer("availability-bridge-demo")
    .setAudience("availability-bridge")
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(`${TTL_SECONDS}s`)
    .sign(new TextEncoder().encode(secret));
}
