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
interface ConnectionCallbacks {
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

/** Creates a connector with a scripted connection and a fake clock. */
export function createTestConnector(fetchToken?: FetchToken, registered: object | null = REGISTERED): TestConnector {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const posted: Posted[] = [];
  const connect = vi.fn();
  const checkFrame = vi.fn();
  const [close, onDestroy] = [vi.fn(), vi.fn()];
  const registrations: TestConnector["registrations"] = [];
  let user: ConnectionCallbacks | undefined;
  const connector = createConnector(
    (_clock, receive, getNeed, onConnected, onResumed, onLost, postPing) => {
      user = { receive, getNeed, onConnected, onResumed, onLost, postPing };
      const post = (event: unknown) =>
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
      return { post, checkFrame, connect, close };
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
