// @ts-check
/**
 * A load generator on raw sockets: a connection sends its next request when it has the whole response to the last
 * request. The generator costs a fraction of the server's work, so the figures are the server's.
 */
import { once } from "node:events";
import { connect } from "node:net";

const HEAD_END = "\r\n\r\n";

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} head the status line and the headers
 * @property {string} body
 */

/**
 * @typedef {object} Load
 * @property {(request: Request) => Promise<Answer>} ask sends a request on one of the connections
 * @property {(next: () => Request | undefined) => Promise<number>} run sends requests on every connection until `next`
 * returns `undefined`; resolves with the elapsed milliseconds
 * @property {() => void} close
 */

/**
 * @typedef {object} Request
 * @property {Buffer} bytes
 * @property {number} expects the status of the response
 */

/**
 * Builds a request as bytes on the wire.
 *
 * @param {string} line such as `GET /healthz`
 * @param {Readonly<Record<string, string>>} headers
 * @param {{ expects?: number, body?: string }} [options]
 * @returns {Request}
 */
export function toRequest(line, headers = {}, { expects = 200, body } = {}) {
  const all = { Host: "127.0.0.1", ...headers, ...(body !== undefined && toBodyHeaders(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return { bytes: Buffer.from(`${line} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`), expects };
}

/** @param {string} body */
function toBodyHeaders(body) {
  return { "Content-Type": "application/json", "Content-Length": `${Buffer.byteLength(body)}` };
}

/**
 * Repeats a request the given number of times.
 *
 * @param {Request} request
 * @param {number} count
 */
export function repeated(request, count) {
  let left = count;
  return () => {
    left -= 1;
    return left < 0 ? undefined : request;
  };
}

/**
 * Opens connections to a server.
 *
 * @param {string} origin
 * @param {number} count
 * @returns {Promise<Load>}
 */
export async function openLoad(origin, count) {
  const lanes = await Promise.all(Array.from({ length: count }, () => openLane(origin)));
  const [first] = lanes;
  if (!first) throw new Error("A load has at least one connection");
  return {
    ask: (request) => first.ask(request),
    async run(next) {
      const rest = stayAwake();
      const startedMs = performance.now();
      await Promise.all(lanes.map((lane) => lane.repeat(next)));
      rest();
      return performance.now() - startedMs;
    },
    close() {
      for (const lane of lanes) lane.close();
    },
  };
}

/**
 * Keeps the present process awake until the caller calls the returned function. A server pays for waking the receiver
 * of a response: on a virtual machine more than for all other work. A slow server would have to wake this process more
 * often.
 */
export function stayAwake() {
  let isAwake = true;
  const turn = () => void (isAwake && setImmediate(turn));
  turn();
  return () => {
    isAwake = false;
  };
}

/** @param {string} origin */
async function openLane(origin) {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, "connect");
  /** @type {{ request: Request, resolve: (answer: Answer) => void, reject: (error: Error) => void } | undefined} */
  let asked;
  /** @type {() => Request | undefined} */
  let next = () => undefined;
  /** @type {Buffer | undefined} */
  let received;
  const fail = (/** @type {string} */ why) => asked?.reject(new Error(`${origin} ${why}`));
  socket.on("close", () => fail("closed a connection"));
  socket.on("error", ({ message }) => fail(message));
  socket.on("data", (chunk) => {
    received = received ? Buffer.concat([received, chunk]) : chunk;
    const length = answerLength(received);
    if (length === undefined || !asked) return;
    const answer = received;
    received = undefined;
    if (readStatus(answer) !== asked.request.expects) return fail(`answered ${answer.toString("utf8", 0, 1000)}`);
    const request = next();
    if (!request) return asked.resolve(toAnswer(answer));
    asked.request = request;
    socket.write(request.bytes);
  });
  /** @param {Request} request */
  const ask = (request) =>
    new Promise((/** @type {(answer: Answer) => void} */ resolve, reject) => {
      asked = { request, resolve, reject };
      if (socket.destroyed) fail("closed a connection");
      else socket.write(request.bytes);
    });
  return {
    ask,
    async repeat(/** @type {() => Request | undefined} */ supply) {
      const request = supply();
      if (!request) return;
      next = supply;
      await ask(request);
      next = () => undefined;
    },
    close() {
      asked = undefined;
      socket.destroy();
    },
  };
}

/**
 * Returns the length of the first response in the bytes; `undefined` if the response is incomplete.
 *
 * @param {Buffer} bytes
 */
function answerLength(bytes) {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const bodyStart = headEnd + HEAD_END.length;
  const head = bytes.toString("latin1", 0, headEnd);
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  if (length !== undefined) {
    const end = bodyStart + Number(length);
    return bytes.length >= end ? end : undefined;
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return bodyStart;
  const end = bytes.indexOf("\r\n0\r\n\r\n", bodyStart - 2);
  return end < 0 ? undefined : end + 7;
}

/** @param {Buffer} bytes */
function readStatus(bytes) {
  return Number(bytes.toString("latin1", 9, 12));
}

/**
 * @param {Buffer} bytes
 * @returns {Answer}
 */
function toAnswer(bytes) {
  const headEnd = bytes.indexOf(HEAD_END);
  return {
    status: readStatus(bytes),
    head: bytes.toString("latin1", 0, headEnd),
    body: bytes.toString("utf8", headEnd + HEAD_END.length),
  };
}
