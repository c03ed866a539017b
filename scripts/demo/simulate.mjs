// @ts-check
/**
 * `npm run simulate`: changes the sample agents of a running `npm start`, as their phones would, until Ctrl-C. Every
 * change is a `PUT` at the gateway with an operator's token.
 */
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { drawChanges } from "./random-changes.mjs";

/** Age at which a token is replaced. Tokens expire after 300 s. */
const TOKEN_REFRESH_MS = 240_000;

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());

try {
  await simulate(readOptions());
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/** @param {{ perSecond: number, seed: number, site: string }} options */
async function simulate({ perSecond, seed, site }) {
  const { signal } = stopping;
  let access = await requestAccess(site);
  const userIds = await listAgents(access);
  console.log(
    `Changing ${userIds.length} agents of ${access.gateway}, ${perSecond} times a second, with --seed ${seed}`,
  );
  console.log(`Ctrl-C ends it. The team of ${site} shows it.`);
  let changes = 0;
  let isDown = false;
  let dueMs = performance.now();
  for (const { userId, status } of drawChanges(userIds, seed)) {
    dueMs += 1_000 / perSecond;
    await wait(Math.max(0, dueMs - performance.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    if (performance.now() - access.sinceMs > TOKEN_REFRESH_MS) access = await requestAccess(site);
    const failure = await changeAgent(access, userId, status);
    if (failure === undefined) {
      changes += 1;
      console.log(`Agent ${userId}: ${status}`);
    } else if (!isDown) console.log(failure);
    isDown = failure !== undefined;
    // Changes that are overdue are skipped rather than sent in a burst.
    dueMs = Math.max(dueMs, performance.now());
  }
  console.log(`${changes} changes`);
}

/**
 * Changes an agent. Returns the reason of a temporary failure.
 *
 * @param {Access} access
 * @param {number} userId
 * @param {string} status
 */
async function changeAgent({ gateway, token }, userId, status) {
  const response = await fetch(`${gateway}/v1/users/${userId}/availability`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ status }),
  }).catch(() => undefined);
  // An unread body would block reuse of the connection.
  await response?.arrayBuffer().catch(() => {});
  if (response === undefined) return "The gateway does not answer: retrying until it is back";
  if (response.ok) return undefined;
  if (response.status === 429) {
    const seconds = Number(response.headers.get("Retry-After") ?? 1);
    await wait(seconds * 1_000, undefined, { signal: stopping.signal }).catch(() => {});
    return `The gateway accepts fewer changes: waited ${seconds} s, as its Retry-After asks. A lower --per-second avoids that.`;
  }
  if (response.status >= 500) return `The gateway answers ${response.status}: retrying`;
  throw new Error(`The gateway rejected the change of agent ${userId}, with status ${response.status}`);
}

/** @typedef {{ readonly gateway: string, readonly token: string, readonly sinceMs: number }} Access */

/**
 * @param {string} site
 * @returns {Promise<Access>}
 */
async function requestAccess(site) {
  const response = await fetch(`${site}/demo/operator-token`, { method: "POST" }).catch(() => undefined);
  const body = response?.ok ? await response.json().catch(() => undefined) : undefined;
  if (typeof body?.token === "string" && typeof body.gateway === "string") {
    return { gateway: body.gateway, token: body.token, sinceMs: performance.now() };
  }
  throw new Error(`No demo answers at ${site}: run "npm start" first, in another terminal (DEMO_PORT is its port)`);
}

/** @param {Access} access */
async function listAgents({ gateway, token }) {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`${gateway}/v1/availabilities`, { headers }).catch(() => undefined);
  if (!response?.ok) throw new Error(`The gateway at ${gateway} does not list its agents: is it stopped?`);
  const { availabilities } = await response.json();
  const userIds = Object.keys(availabilities).map(Number);
  if (userIds.length === 0) throw new Error(`The gateway at ${gateway} has no agents to change`);
  return userIds;
}

function readOptions() {
  const { values } = parseArgs({
    options: { "per-second": { type: "string", default: "2" }, seed: { type: "string" } },
  });
  const perSecond = Number(values["per-second"]);
  if (!(perSecond >= 0.1 && perSecond <= 1_000)) throw new Error("--per-second: expected a number from 0.1 to 1000");
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new Error(`--seed: expected a whole number from 0 to ${2 ** 32 - 1}`);
  }
  return { perSecond, seed, site: `http://localhost:${process.env["DEMO_PORT"] || 4000}` };
}
