/** A reader of a customer's stream, who comes back after each end as a browser does: by the last id, to the next gateway. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import { createTestSubscriber, type TestSubscriber } from "../test-subscriber.ts";
import { type Address, openRequest } from "./gateway-client.ts";

export interface StreamReaderOptions {
  /** Where the stream is to be had. Each connection goes to the next one. */
  readonly at: readonly Address[];
  readonly customer: string;
  readonly token: string;
}

export interface StreamReader extends Pick<TestSubscriber, "isCurrent" | "retryMs" | "versionsOf"> {
  isOpen(): boolean;
  /** The version of each user that it was told last. */
  versions(): ReadonlyMap<number, number>;
  /** How often it was told to begin anew, the beginning included. */
  resets(): number;
  /** From which origins it was answered with a stream, in order. */
  opened(): readonly string[];
  /** How its other connections were answered, in order. */
  refusals(): readonly number[];
  /** How many of its streams have ended. */
  endings(): number;
  /** What it was told that it must not be told; `undefined` where all was well. */
  failure(): unknown;
}

/** How long a reader waits where the stream has not said, in milliseconds. Less than a browser does, so that tests do not wait. */
const DEFAULT_RETRY_MS = 50;

/** Opens a stream and follows it, whatever becomes of its connections, until the test has finished. */
export function openStreamReader({ at, customer, token }: StreamReaderOptions): StreamReader {
  const reader = createTestSubscriber();
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
    const url = `${origin}/c/${customer}/v1/availabilities/stream`;
    // A connection of its own, as every browser has: one that another left behind may be closed already.
    current = openRequest(url, { headers, agent: false, ca: certificate });
    current.on("response", (response) => follow(response, origin));
    // Whoever is killed says nothing more; what follows is the same as after any other end.
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
    versionsOf: reader.versionsOf,
    isOpen: () => isOpen,
    versions: () => new Map(Array.from(reader.users(), ([userId, { version }]) => [userId, version])),
    resets: () => reader.events().filter((name) => name === "reset").length,
    opened: () => opened,
    refusals: () => refusals,
    endings: () => endings,
    failure: () => failure,
  };
}
