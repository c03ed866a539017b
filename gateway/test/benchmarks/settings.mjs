// @ts-check
/** Settings of a measured gateway, and tokens that the gateway accepts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SignJWT } from "jose";
import { undoAtExit } from "./cleanup.mjs";
import { openLoad, toRequest } from "./load.mjs";
import { GATEWAY } from "./server-process.mjs";

/** The measured customer. The other customers of a configuration are idle. */
const CUSTOMER = "bench";

const SECRET = "benchmark-secret-of-thirty-two-bytes";
const ISSUER = "https://login.bench.example";
const AUDIENCE = "availability-bridge";

/** High enough that no request is rejected. Requests are counted all the same. */
const LIMIT = 1_000_000_000;

/**
 * Writes the settings of a gateway with the given number of customers, as an operator has them: tokens, counting rate
 * limits, and a log line for each request.
 *
 * @param {object} [options]
 * @param {number} [options.customers]
 * @param {object} [options.upstream] the upstream of each customer, as in the file; by default the gateway's memory
 * @param {Readonly<Record<string, string>>} [options.environment]
 * @param {string} [options.program] the gateway that reads the settings
 * @param {boolean} [options.hasDefaultLimits] true if the measured customer has the default limits. @default false
 * @returns {Record<string, string>}
 */
export function writeSettings({
  customers = 1,
  upstream,
  environment = {},
  program = GATEWAY,
  hasDefaultLimits = false,
} = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), "availability-bridge-bench-"));
  undoAtExit(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, "gateway.config.json");
  const ids = [CUSTOMER, ...Array.from({ length: customers - 1 }, (_, index) => `idle-${index}`)];
  const limits = toLimits(program);
  const entries = ids.map((id) => {
    const isLimited = hasDefaultLimits && id === CUSTOMER;
    return { ...toCustomer(id), ...(!isLimited && { limits }), ...(upstream && { upstream }) };
  });
  writeFileSync(file, JSON.stringify({ customers: entries }));
  return { GATEWAY_PORT: "0", GATEWAY_CONFIG: file, BENCH_SECRET: SECRET, ...environment };
}

/**
 * Earlier gateways have limits by token.
 *
 * @param {string} program
 */
function toLimits(program) {
  const owner = readFileSync(program, "utf8").includes("requestsPerMinutePerSubject") ? "Subject" : "Token";
  return {
    [`requestsPerMinutePer${owner}`]: LIMIT,
    requestsPerMinute: LIMIT,
    streams: LIMIT,
    [`streamsPer${owner}`]: LIMIT,
  };
}

/** @param {string} id */
function toCustomer(id) {
  return {
    id,
    allowedOrigins: [`https://crm.${id}.example`],
    tokens: { algorithm: "HS256", issuer: ISSUER, audience: AUDIENCE, secret: "${BENCH_SECRET}" },
  };
}

/** Creates the header with a token of a customer's operator, valid for some hours. */
export async function authorize(customer = CUSTOMER) {
  const token = await new SignJWT({ customer, scope: "availability:read availability:write" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("operator")
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime("12h")
    .sign(new TextEncoder().encode(SECRET));
  return { Authorization: `Bearer ${token}` };
}

/**
 * Adds users to a gateway.
 *
 * @param {string} origin
 * @param {readonly number[]} userIds
 * @param {string} [customer] @default the measured customer
 */
export async function introduceUsers(origin, userIds, customer = CUSTOMER) {
  const headers = await authorize(customer);
  const load = await openLoad(origin, 1);
  for (const userId of userIds) {
    const body = JSON.stringify({ status: "available" });
    await load.ask(toRequest(`PUT /c/${customer}/v1/users/${userId}/availability`, headers, { expects: 201, body }));
  }
  load.close();
}
