// @ts-check
/** Gateways of the measured pages, which run the same program, and an operator's changes at the gateways. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { SignJWT } from "jose";
import { openLoad, toRequest } from "../../../gateway/test/benchmarks/load.mjs";
import { startGatewayProcess } from "../../../scripts/demo/gateway-process.mjs";
import { writeBuild } from "../other-build.mjs";

/** A build whose widget is a page written by hand. */
const BARE_BUILD = "node_modules/.cache/bench-live";

/**
 * @typedef {object} LiveGateway
 * @property {string} origin
 * @property {(userId: number, status: string) => Promise<number>} change resolves with the version of the change
 * @property {() => Promise<void>} whenStreaming resolves when the gateway's stream has a subscriber
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a gateway that serves the project's widget or, if `isBare`, the page written by hand.
 *
 * @param {{ hostOrigin: string, isBare: boolean, users: number, checkout?: string | undefined }} options `users`: number
 * of users from id 1 up, beside the sample agents; `checkout`: the built checkout whose gateway and widget run, by
 * default the present one
 * @returns {Promise<LiveGateway>}
 */
export async function startLiveGateway({ hostOrigin, isBare, users, checkout = "." }) {
  const secret = randomBytes(32).toString("base64url");
  const settings = { GATEWAY_PORT: "0", ALLOWED_ORIGINS: hostOrigin, DEMO_TOKEN_SECRET: secret };
  if (isBare) await writeBuild(BARE_BUILD, { frame: "e2e/benchmarks/pages/live-frame.js" });
  const program = isBare ? `${BARE_BUILD}/server.js` : path.resolve(checkout, "gateway/dist/server.js");
  const gateway = await startGatewayProcess(settings, () => {}, program);
  const { origin } = gateway;
  const headers = { Authorization: `Bearer ${await mintOperatorToken(secret)}` };

  /** @type {(userId: number, status: string, expects: number) => import("../../../gateway/test/benchmarks/load.mjs").Request} */
  const toChange = (userId, status, expects) => {
    const body = JSON.stringify({ status });
    return toRequest(`PUT /v1/users/${userId}/availability`, headers, { expects, body });
  };
  const load = await openLoad(origin, 1);
  for (let userId = 1; userId <= users; userId += 1)
    await load.ask(toChange(userId, "available", isSample(userId) ? 200 : 201));
  return {
    origin,
    async change(userId, status) {
      const { body } = await load.ask(toChange(userId, status, 200));
      return JSON.parse(body).version;
    },
    async whenStreaming() {
      while (!/^gateway_streams_open\{?.*\s[1-9]/m.test(await (await fetch(`${origin}/metrics`)).text()))
        await setTimeout(50);
    },
    async stop() {
      load.close();
      await gateway.stop();
    },
  };
}

/** Sample users of the demo's gateway. */
function isSample(/** @type {number} */ userId) {
  return (userId >= 101 && userId <= 110) || userId === 123 || userId === 124;
}

/**
 * Signs a token of the demo's operator, who may change every agent.
 *
 * @param {string} secret
 */
function mintOperatorToken(secret) {
  return new SignJWT({ customer: "demo", scope: "availability:read availability:write" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer("availability-bridge-demo")
    .setAudience("availability-bridge")
    .setSubject("operator")
    .setExpirationTime("12h")
    .sign(new TextEncoder().encode(secret));
}
