/**
 * A subscriber of a customer's stream, which reconnects after each end as a browser does: with the last id, to the next
 * gateway.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import { createTestSubscriber, type TestSubscriber } from "../test-subscriber.ts";
import { type Address, openRequest } from "./gateway-client.ts";

export interface StreamReaderOptions {
  /** Addresses of the stream. Each connection goes to the next address. */
  readonly at: readonly Address[];
  readonly customer: string;
  readonly token: string;
  /** @default all users */
  readonly userIds?: readonly number[] | undefined;
}

export interface StreamReader extends Pick<TestSubscriber, "isCurrent" | "retryMs" | "userIds" | "versionsOf"> {
  isOpen(): boolean;
  /** The last received version of each user. */
  versions(): ReadonlyMap<number, number>;
  /** Number of snapshots that the subscriber received, the first included. */
  resets(): number;
  /** Number of heartbeats that the subscriber received. */
  heartbeats(): number;
  /** Origins of the responses with a stream, in order. */
  opened(): readonly string[];
  /** Statuses of the other responses, in order. */
  refusals(): readonly number[];
  /** Number of ended streams. */
  endings(): number;
  /** A forbidden event, if the subscriber received one; otherwise `undefined`. */
  failure(): unknown;
}

/**
 * Delay before a reconnection if the stream has sent no `retry`, in milliseconds. Shorter than a browser's, so that
 * tests need not wait.
 */
const DEFAULT_RETRY_MS = 50;

/** Opens a stream and reconnects after each failure, until the test has finished. */
export function openStreamReader({ at, customer, token, userIds }: StreamReaderOptions): StreamReader {
  const reader = createTestSubscriber();
  const query = userIds ? `?userIds=${userIds.join()}` : "";
  const opened: string[] = [];
  const refusals: number[] = [];
  let endings = 0;
  let failure: unknown;
  let attempts = 0;
  let isOpen = false;
  let current: ClientRequest | undefined;
  let timer: NodeJS.Timeout | undefined;

  function connect(): void {
    const { origin = "", certificate } = at[attempts % at.length] ?? {};
    attempts += 1;
    const lastEventId = reader.lastEventId();
    const headers = { Authorization: `Bearer ${token}`, ...(lastEventId && { "Last-Event-ID": lastEventId }) };
    const url = `${origin}/c/${customer}/v1/availabilities/stream${query}`;
    // A new connection, as in a browser: another subscriber's connection may be closed already.
    current = openRequest(url, { headers, agent: false, ca: certificate });
    current.on("response", (response) => follow(response, origin));
    // A killed gateway sends no more; the subscriber continues as after any other end.
    current.on("error", () => {});
    current.on("close", comeBack);
    current.end();
  }

  function follow(response: IncomingMessage, origin: string): void {
    response.on("error", () => {});
    if (response.statusCode !== 200) {
      refusals.push(response.statusCode ?? 0);
      response.resume();
      return;
    }
    isOpen = true;
    opened.push(origin);
    response.setEncoding("utf8").on("data", hear);
  }

  function hear(text: string): void {
    try {
      reader.hear(text);
    } catch (error) {
      failure ??= error;
    }
  }

  function comeBack(): void {
    if (isOpen) endings += 1;
    isOpen = false;
    reader.disconnect();
    timer = setTimeout(connect, reader.retryMs() ?? DEFAULT_RETRY_MS);
  }

  onTestFinished(() => {
    current?.off("close", comeBack).destroy();
    clearTimeout(timer);
  });
  connect();
  return {
    isCurrent: reader.isCurrent,
    retryMs: reader.retryMs,
    userIds: reader.userIds,
    versionsOf: reader.versionsOf,
    isOpen: () => isOpen,
    versions: () => new Map(Array.from(reader.users(), ([userId, { version }]) => [userId, version])),
    resets: () => reader.events().filter((name) => name === "reset").length,
    heartbeats: () => reader.events().filter((name) => name === "").length,
    opened: () => opened,
    refusals: () => refusals,
    endings: () => endings,
    failure: () => failure,
  };
}
