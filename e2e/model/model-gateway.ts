/** Real gateway with a store in memory, behind a network with faults. */
import { EventEmitter } from "node:events";
import { createGateway } from "../../gateway/app.ts";
import type { Caller } from "../../gateway/auth/caller.ts";
import { SCOPES } from "../../gateway/auth/caller.ts";
import { InvalidTokenError } from "../../gateway/auth/invalid-token-error.ts";
import type { Clock } from "../../gateway/clock.ts";
import type { Customer } from "../../gateway/customer.ts";
import type { Status } from "../../gateway/store/agent.ts";
import type { CustomerStore } from "../../gateway/store/availability-store.ts";
import { createMemoryStore } from "../../gateway/store/memory-store.ts";
import { createStreamHub, type StreamHub } from "../../gateway/stream/stream-hub.ts";
import { TEST_FILES } from "../../gateway/test/test-build.ts";
import { availabilityServiceOver, throwDefect } from "../../gateway/test/test-gateway.ts";
import { EPOCH_MS, type FakeClock } from "./fake-clock.ts";

/** State of the network. `silent` delays all bytes, and a number is the status of each response. */
export type Network = "works" | "offline" | "silent" | "slow" | 500 | 503 | 429;

/** Fault of the open streams. A half-open stream carries no bytes in either direction. */
export type StreamFault = "cut" | "half-open";

/** Agent in the gateway's store. */
export interface TrueAgent {
  /** `undefined` if there is no such agent. */
  readonly current: { readonly version: number; readonly status: Status } | undefined;
  /** Time of the last change, on the page's monotonic clock. */
  readonly changedAt: number;
}

export interface ModelGateway {
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  setAgent(userId: number, status: Status): void;
  removeAgent(userId: number): void;
  agent(userId: number): TrueAgent;
  /** True if the gateway had this version of an agent at some time. */
  hadVersion(userId: number, version: number, status: string): boolean;
  setNetwork(network: Network): void;
  breakStreams(fault: StreamFault): void;
  /** Holds back the bytes of streams, as a buffering proxy does, or releases the bytes. */
  holdStreams(isHeld: boolean): void;
  /** Ends the process, and after a pause starts a new process without the history. */
  restart(pauseMs: number): void;
  /** Rejects all tokens, or no longer. */
  refuseTokens(isRefusing: boolean): void;
  /** Rejects all tokens issued until now. */
  revokeTokens(): void;
  /** Advances the gateway's clocks and the page's wall clock, as a sleep of the page's machine does. */
  sleep(milliseconds: number): void;
  /** Ends all faults. A restart still takes its pause. */
  heal(): void;
  /** True while the gateway restarts. */
  isDown(): boolean;
  /** The gateway's wall clock, in milliseconds since 1970. */
  wallMs(): number;
  /** Number of streams that the gateway has open. */
  openStreams(): number;
  close(): void;
}

/** Parts of the gateway for the present run. Routes are built once: building them takes longer than a run. */
let present: { readonly customer: Customer; readonly streams: StreamHub } | undefined;
const app = createGateway({
  customers: { find: () => present?.customer, all: () => [] },
  files: TEST_FILES,
  onDefect: throwDefect,
  streams: {
    open: (request) => present?.streams.open(request),
    count: () => 0,
    closeForbidden: () => {},
    close: () => {},
  },
});

/** Response of Node with the members used by a stream. */
class FakeResponse extends EventEmitter {
  readonly writableLength = 0;
  destroyed = false;
  closed = false;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #end: (isBroken: boolean) => void;
  readonly #encoder = new TextEncoder();

  constructor(write: (bytes: Uint8Array) => void, end: (isBroken: boolean) => void) {
    super();
    this.#write = write;
    this.#end = end;
  }

  setHeaders(): void {}
  writeHead(): void {}
  flushHeaders(): void {}

  write(piece: string | Uint8Array): boolean {
    if (!this.closed) this.#write(typeof piece === "string" ? this.#encoder.encode(piece) : piece.slice());
    return true;
  }

  end(piece: string): void {
    if (piece) this.write(piece);
    this.#close(false);
  }

  destroy(): void {
    this.#close(true);
  }

  /** Closes the response after a disconnect of the client or a cut of the network. */
  hangUp(): void {
    this.#close(true);
  }

  #close(isBroken: boolean): void {
    if (this.closed) return;
    this.closed = true;
    this.destroyed = isBroken;
    this.#end(isBroken);
    this.emit("close");
  }
}

/** A stream between gateway and widget. */
interface Connection {
  readonly response: FakeResponse;
  isHalfOpen: boolean;
  readonly breakOff: () => void;
  readonly release: () => void;
}

export interface ModelGatewayOptions {
  readonly clock: FakeClock;
  readonly random: () => number;
  /** False if the gateway serves callers without a token. */
  readonly needsToken: boolean;
}

const SLOW_MS = 7_000;

/** Creates a gateway without agents. */
export function createModelGateway({ clock, random, needsToken }: ModelGatewayOptions): ModelGateway {
  const agents = new Map<number, TrueAgent>();
  const versions = new Set<string>();
  const connections = new Set<Connection>();
  /** Calls waiting for the end of a network fault. */
  const waiting = new Set<() => void>();
  let network: Network = "works";
  let isHeld = false;
  let sleptMs = 0;
  let revokedUntil = -1;
  let isRefusing = false;
  let isDown = false;
  let store: CustomerStore;
  let streams: StreamHub;

  const gatewayClock: Clock = {
    wallMs: () => EPOCH_MS + clock.now() + sleptMs,
    monotonicMs: () => clock.now() + sleptMs,
  };

  function verify(token: string): Promise<Caller> {
    const { issuedAt, exp } = JSON.parse(atob(token.split(".")[1] ?? ""));
    const isGood = !isRefusing && issuedAt > revokedUntil && exp * 1_000 > gatewayClock.wallMs();
    if (!isGood) return Promise.reject(new InvalidTokenError("The model has revoked the token"));
    return Promise.resolve({ subject: 1, scopes: new Set(SCOPES), endsAtMs: exp * 1_000 });
  }

  function start(): void {
    store = createMemoryStore({ clock: gatewayClock, historyLength: 20 }).forCustomer("demo");
    streams = createStreamHub({ clock: gatewayClock, onDefect: throwDefect });
    present = {
      customer: {
        id: "demo",
        allowedOrigins: ["https://crm.example.com"],
        availabilities: availabilityServiceOver(store, gatewayClock),
        access: { verify, anonymousReads: !needsToken },
      },
      streams,
    };
  }

  function record(userId: number, current: TrueAgent["current"]): void {
    agents.set(userId, { current, changedAt: clock.now() });
    if (current) versions.add(`${userId} ${current.version} ${current.status}`);
  }

  /** The memory store changes in the caller's task and resolves with the version in a microtask. */
  async function setAgent(userId: number, status: Status): Promise<void> {
    const before = agents.get(userId)?.current;
    const { version } = await store.set(userId, { status });
    const isSame = before?.version === version;
    if (!isSame) record(userId, { version, status });
  }

  const latency = () => 1 + Math.floor(random() * 30);

  /** Waits until `start` calls back. @throws The signal's reason when the signal aborts first. */
  async function waitUntil(start: (resolve: () => void) => void, signal: AbortSignal | undefined): Promise<void> {
    let onAbort = (): void => {};
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal?.reason);
    });
    signal?.addEventListener("abort", onAbort);
    try {
      await Promise.race([new Promise<void>(start), aborted]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return waitUntil((resolve) => void clock.setTimer(resolve, milliseconds), signal);
  }

  function waitForNetwork(signal: AbortSignal | undefined): Promise<void> {
    return waitUntil((resolve) => void waiting.add(resolve), signal);
  }

  function openStream(signal: AbortSignal | undefined): { response: FakeResponse; body: ReadableStream<Uint8Array> } {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    let isOver = false;
    let lastAt = 0;
    /** Deliveries held back by the proxy. */
    let held: (() => void)[] = [];
    const body = new ReadableStream<Uint8Array>({
      start: (created) => {
        controller = created;
      },
      cancel: () => hangUp(),
    });

    function deliver(act: () => void): void {
      if (connection.isHalfOpen) return;
      if (isHeld || network === "silent" || held.length > 0) {
        held.push(act);
        return;
      }
      lastAt = Math.max(lastAt, clock.now() + latency());
      clock.setTimer(() => {
        if (!isOver && !connection.isHalfOpen) act();
      }, lastAt - clock.now());
    }

    function fail(error: unknown): void {
      if (isOver) return;
      isOver = true;
      controller?.error(error);
      connections.delete(connection);
    }

    function hangUp(): void {
      if (isOver) return;
      isOver = true;
      connections.delete(connection);
      clock.setTimer(() => connection.response.hangUp(), latency());
    }

    const connection: Connection = {
      isHalfOpen: false,
      response: new FakeResponse(
        (bytes) => deliver(() => controller?.enqueue(bytes)),
        (isBroken) =>
          deliver(() => {
            if (isBroken) return fail(new TypeError("terminated"));
            isOver = true;
            controller?.close();
            connections.delete(connection);
          }),
      ),
      breakOff() {
        fail(new TypeError("terminated"));
        connection.response.hangUp();
      },
      release() {
        const released = held;
        held = [];
        for (const act of released) deliver(act);
      },
    };
    connections.add(connection);
    signal?.addEventListener("abort", () => {
      if (isOver) return;
      controller?.error(signal.reason);
      hangUp();
    });
    return { response: connection.response, body };
  }

  async function answer(request: Request, signal: AbortSignal | undefined): Promise<Response> {
    if (typeof network === "number") {
      const headers = { "content-type": "application/problem+json", ...(network === 429 && { "retry-after": "2" }) };
      return new Response(JSON.stringify({ status: network, detail: "The model says so" }), {
        status: network,
        headers,
      });
    }
    const stream =
      request.method === "GET" && new URL(request.url).pathname.endsWith("/stream") ? openStream(signal) : undefined;
    const response = await app.fetch(request, { outgoing: stream?.response });
    if (response.headers.has("x-hono-already-sent") && stream) {
      return new Response(stream.body, { headers: { "content-type": "text/event-stream" } });
    }
    return response;
  }

  function releaseWaiting(): void {
    for (const resolve of waiting) clock.setTimer(resolve, latency());
    waiting.clear();
  }

  start();
  return {
    async fetch(input, init) {
      const request = input instanceof Request ? input : new Request(input, { method: init?.method ?? "GET" });
      const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
      const headers = new Headers(init?.headers ?? request.headers);
      const bare = new Request(request.url, { method: request.method, headers });
      signal?.throwIfAborted();
      await wait(latency(), signal);
      if (network === "silent") await waitForNetwork(signal);
      if (network === "slow") await Promise.race([wait(SLOW_MS, signal), waitForNetwork(signal)]);
      if (network === "offline" || isDown) throw new TypeError("fetch failed");
      const response = await answer(bare, signal);
      await wait(latency(), signal);
      if (network === "silent") await waitForNetwork(signal);
      return response;
    },
    setAgent: (userId, status) => void setAgent(userId, status),
    removeAgent(userId) {
      if (!agents.get(userId)?.current) return;
      void store.remove(userId);
      record(userId, undefined);
    },
    agent: (userId) => agents.get(userId) ?? { current: undefined, changedAt: -1 },
    hadVersion: (userId, version, status) => versions.has(`${userId} ${version} ${status}`),
    setNetwork(next) {
      const wasSilent = network === "silent";
      network = next;
      if (wasSilent && !isHeld) for (const { release } of connections) release();
      if (network === "offline") for (const { breakOff } of connections) breakOff();
      releaseWaiting();
    },
    breakStreams(fault) {
      for (const connection of connections) {
        if (fault === "cut") connection.breakOff();
        else connection.isHalfOpen = true;
      }
    },
    holdStreams(next) {
      isHeld = next;
      if (!isHeld) for (const { release } of connections) release();
    },
    restart(pauseMs) {
      if (isDown) return;
      isDown = true;
      for (const { breakOff } of connections) breakOff();
      streams.close();
      clock.setTimer(() => {
        isDown = false;
        const known = [...agents];
        start();
        for (const [userId, { current }] of known) {
          if (!current) continue;
          // Without Redis, a restart gives each agent a new version and keeps the status.
          void store.set(userId, { status: current.status }).then(({ version }) => {
            record(userId, { version, status: current.status });
          });
        }
      }, pauseMs);
    },
    refuseTokens(next) {
      isRefusing = next;
    },
    revokeTokens() {
      revokedUntil = clock.now();
    },
    sleep(milliseconds) {
      sleptMs += milliseconds;
      clock.shiftWallClock(milliseconds);
    },
    heal() {
      network = "works";
      isHeld = false;
      for (const connection of connections) {
        if (connection.isHalfOpen) connection.breakOff();
        else connection.release();
      }
      releaseWaiting();
    },
    wallMs: gatewayClock.wallMs,
    isDown: () => isDown,
    openStreams: () => connections.size,
    close() {
      streams.close();
      present = undefined;
    },
  };
}
