/** A connector over a connection that the test scripts. */
import { expect, type Mock, onTestFinished, vi } from "vitest";
import { eventTraits } from "../shared/contracts/contract.ts";
import { announcements, contract } from "../shared/contracts/index.ts";
import type { OpenConnection } from "./connection/frame-connection.ts";
import type { Connector } from "./connector.ts";
import { createConnector } from "./create-connector.ts";
import type { FetchToken } from "./token/token-provider.ts";

export interface Posted {
  readonly event: { readonly type: string; readonly meta: { readonly id: string; readonly timeoutMs: number } };
  readonly answer: (settlement: unknown) => void;
}

/** Callbacks of the connector. */
export interface ConnectionCallbacks {
  readonly receive: Parameters<OpenConnection>[1];
  readonly getNeed: Parameters<OpenConnection>[2];
  readonly onConnected: Parameters<OpenConnection>[3];
  readonly onResumed: Parameters<OpenConnection>[4];
  readonly onLost: Parameters<OpenConnection>[5];
  readonly postPing: Parameters<OpenConnection>[6];
}

export interface TestConnector {
  readonly checkFrame: Mock;
  readonly connector: Connector;
  /** The connector's callbacks. Calling a callback simulates an event of the iframe. */
  readonly user: ConnectionCallbacks;
  /** Posted requests, except `BUS.REGISTER`. */
  readonly posted: Posted[];
  readonly connect: Mock;
  /** Calls at the end of the connection, and at the end of the connector. */
  readonly close: Mock;
  readonly onDestroy: Mock;
  /** Answers to `BUS.REGISTER` that are still due, each called with the payload, and with the code of a rejection instead of it. */
  readonly registrations: ((payload: object | string) => void)[];
}

export const REGISTERED = {
  protocol: 1,
  sessionId: "s",
  events: Object.keys(contract),
  traits: eventTraits(contract, announcements),
};

/** Connection of a connector under test. */
export interface TestConnection {
  readonly open: OpenConnection;
  /** Returns the callbacks by which a test simulates the events of the iframe. */
  readonly drive: (callbacks: ConnectionCallbacks) => ConnectionCallbacks;
}

/** Creates a connection whose widget answers each event by `reply`. Every post calls `reply` at once, in the order of the posts. */
export type PrepareTestConnection = (reply: (event: unknown) => Promise<unknown>) => TestConnection;

/** Hands the events and the answers over without a connection. */
const prepareDirectly: PrepareTestConnection = (reply) => ({
  open: () => ({ post: reply, checkFrame() {}, connect() {}, close() {} }),
  drive: (callbacks) => callbacks,
});

let prepareConnection = prepareDirectly;

/** Runs the tests of the connector over another connection. */
export function setTestConnection(prepare: PrepareTestConnection): void {
  prepareConnection = prepare;
}

/** Creates a connector with a scripted connection and a fake clock. */
export function createTestConnector(fetchToken?: FetchToken, registered: object | null = REGISTERED): TestConnector {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const posted: Posted[] = [];
  const [connect, checkFrame, onDestroy] = [vi.fn(), vi.fn(), vi.fn()];
  const close = vi.fn<() => void>();
  const registrations: TestConnector["registrations"] = [];
  const reply = (event: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      const { type, meta } = event as Posted["event"];
      const register = (payload: object | string): void =>
        resolve(
          typeof payload === "string"
            ? {
                type: `${type}_REJECTED`,
                payload: bridgeError(payload, payload === "TIMEOUT"),
                meta: { id: meta.id, source: "bridge" },
              }
            : { type: `${type}_FULFILLED`, payload, meta: { id: meta.id } },
        );
      if (type !== "BUS.REGISTER") posted.push({ event: event as Posted["event"], answer: resolve });
      else if (registered) register(registered);
      else registrations.push(register);
    });
  const connection = prepareConnection(reply);
  let user: ConnectionCallbacks | undefined;
  const connector = createConnector(
    (clock, ...callbacks) => {
      const [receive, getNeed, onConnected, onResumed, onLost, postPing] = callbacks;
      user = connection.drive({ receive, getNeed, onConnected, onResumed, onLost, postPing });
      const opened = connection.open(clock, ...callbacks);
      close.mockImplementation(opened.close);
      return { post: opened.post, checkFrame, connect, close };
    },
    { origin: "https://crm.example.com", appName: "crm.example.com", release: "unknown" },
    "dark&de",
    () => "nobody there",
    { timeoutMs: 10_000, handshakeTimeoutMs: 5_000 },
    fetchToken,
    onDestroy,
  );
  if (!user) throw new Error("The connector opened no link");
  return { connector, user, posted, connect, checkFrame, close, onDestroy, registrations };
}

/** Waits for the task in which a request that could not be sent is rejected. */
export async function inNextTask<Result>(settled: Promise<Result>): Promise<Result> {
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

export const QUESTION = { type: "TEST.ASK", payload: 1 };

export const rejectedWith = (code: string) => ({
  type: "TEST.ASK_REJECTED",
  payload: { error: expect.objectContaining({ code }) },
  meta: { source: "bridge" },
});

export const payload = { variables: { userId: 1 } };

export const bridgeError = (code: string, retryable = true) => ({
  error: { code, message: `because of ${code}`, retryable },
});

export const FETCH = { type: "API.FETCH_USER_AVAILABILITY", payload } as const;

export const WATCH = "API.CHANGE_WATCHED_USERS";
