// @ts-check
/** Measures the sides in one tab, in alternating blocks, so that a busy machine affects every side alike. */
import { connect as connectPenpal, WindowMessenger } from "penpal";
import { connect } from "../../../host/index.ts";
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { connect as connectBefore } from "./before.js";
import { REQUEST, SETTLEMENT } from "./exchange.js";

const WARM_UP = 500;
const CALLS = 2_000;
const BLOCK = 50;

const widget = document.body.dataset["widget"] ?? "";
const expected = JSON.stringify(SETTLEMENT);

/** @param {string} name */
function mount(name) {
  const frame = document.createElement("iframe");
  frame.src = `${widget}/${name}`;
  document.body.append(frame);
  return frame;
}

/** @returns {Promise<() => Promise<unknown>>} */
async function openChannel() {
  const frame = mount("channel");
  const port = await new Promise((resolve) => {
    addEventListener("message", ({ source, origin, data, ports }) => {
      if (source === frame.contentWindow && origin === widget && data === "ready") resolve(ports[0]);
    });
  });
  const pending = new Map();
  let id = 0;
  port.onmessage = (/** @type {MessageEvent} */ { data }) => {
    pending.get(data.id)(data.settlement);
    pending.delete(data.id);
  };
  return () =>
    new Promise((resolve) => {
      id += 1;
      pending.set(id, resolve);
      port.postMessage({ id, event: REQUEST });
    });
}

/** @returns {Promise<() => Promise<unknown>>} */
async function openPenpal() {
  const remoteWindow = mount("penpal").contentWindow;
  if (!remoteWindow) throw new Error("The frame has no window");
  const messenger = new WindowMessenger({ remoteWindow, allowedOrigins: [widget] });
  /** @type {import("penpal").Connection<{ post(event: unknown): unknown }>} */
  const connection = connectPenpal({ messenger });
  const remote = await connection.promise;
  return () => remote.post(REQUEST);
}

/**
 * @param {string} name
 * @param {typeof connect} open
 * @returns {Promise<() => Promise<unknown>>}
 */
async function openBridge(name, open) {
  const connector = open({ frame: mount(name) });
  await connector.ready;
  return () => connector.dispatch(REQUEST);
}

/**
 * @param {() => Promise<unknown>} call
 * @param {number[]} times
 */
async function runBlock(call, times) {
  for (let count = 0; count < BLOCK; count += 1) {
    const start = performance.now();
    const settlement = await call();
    times.push(performance.now() - start);
    if (JSON.stringify(settlement) !== expected) throw new Error(`wrong: ${JSON.stringify(settlement)}`);
  }
}

async function measure() {
  if (!crossOriginIsolated) throw new Error("The page is not cross-origin isolated, so its clock is too coarse");
  const sides = {
    channel: await openChannel(),
    control: await openChannel(),
    penpal: await openPenpal(),
    ...("before" in document.body.dataset && { before: await openBridge("before", connectBefore) }),
    bridge: await openBridge("bridge", connect),
  };
  const names = Object.keys(sides);
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let block = 0; block < (WARM_UP + CALLS) / BLOCK; block += 1) {
    for (const name of permutationAt(names, block)) await runBlock(Reflect.get(sides, name), times[name] ?? []);
  }
  const p50 = (/** @type {number[]} */ all) => all.slice(WARM_UP).sort((a, b) => a - b)[CALLS / 2];
  return Object.fromEntries(names.map((name) => [name, p50(times[name] ?? [])]));
}

const report = await measure().catch((error) => ({ error: String(error) }));
await fetch(`${location.pathname}/report`, { method: "POST", body: JSON.stringify(report) });
