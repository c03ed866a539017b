// @ts-check
/** The tokens of the demo page, as a customer's own site would make them for whoever is signed in there. */
import { SignJWT } from "jose";

/** As long as a page needs to use one, and short for whoever finds one. */
const LIFE_SECONDS = 300;

/**
 * A token for agent 123, who is signed in at the demo page, or for the operator, who may change everybody.
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
    .setExpirationTime(`${LIFE_SECONDS}s`)
    .sign(new TextEncoder().encode(secret));
}
