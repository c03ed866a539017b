/** A gateway of the model: adapter, service and streams over a store, with checks of answers and changes. */
import { setTimeout as elapse } from "node:timers/promises";
import { type AvailabilityService, createAvailabilityService } from "../../availability-service.ts";
import type { AvailabilityStore } from "../../store/availability-store.ts";
import { toUserId } from "../../store/change-history.ts";
import type { Replica } from "../../store/replica.ts";
import { createStreamHub } from "../../stream/stream-hub.ts";
import { openTestConnection } from "../../stream/test-connection.ts";
import { type AircallUpstream, createAircallUpstream } from "../../upstream/aircall/aircall.ts";
import { TEST_SETTINGS, tellTo } from "../test-aircall.ts";
import { createTestSubscriber, type TestSubscriber } from "../test-subscriber.ts";

export interface ModelGatewayOptions {
  readonly customerId: string;
  readonly store: AvailabilityStore;
  readonly fetch: typeof fetch;
  /** True for an agent in the telephony system since the start of the run. */
  readonly isLasting: (userId: number) => boolean;
  /** Users of the gateway's second stream. */
  readonly followedIds: ReadonlySet<number>;
  /** False for a gateway that reads agents on request only. @default true */
  readonly polls?: boolean;
}

/** A subscriber of a stream of the gateway. */
export interface ModelFollower {
  readonly subscriber: TestSubscriber;
  /** Users of the stream; `undefined` for all users. */
  readonly userIds: ReadonlySet<number> | undefined;
}

export interface ModelGateway {
  readonly replica: Replica;
  readonly followers: readonly ModelFollower[];
  upstream(): AircallUpstream;
  readonly service: AvailabilityService;
  /** Reads an agent, and checks the answer. */
  read(userId: number): Promise<void>;
  /** Reads all agents, and checks the answer. */
  readAll(): Promise<void>;
  /** Reads the streams, and checks the events. */
  hear(): void;
  /** Breaks off the streams and opens new streams, which resume. */
  reconnect(): Promise<void>;
  /** Stops the adapter, which aborts the calls, and starts a new adapter. */
  restart(): Promise<void>;
  /** The first broken promise, if any. */
  fault(): unknown;
  stop(): Promise<void>;
}

const never = new AbortController().signal;

/** Factor by which polls are faster than for the vendor. */
const TIME_FACTOR = 20;

/** Longer than any run. */
const TIMEOUT_MS = 300_000;

export async function openModelGateway(options: ModelGatewayOptions): Promise<ModelGateway> {
  const { customerId, store, fetch, isLasting, followedIds, polls = true } = options;
  const customerStore = store.forCustomer(customerId);
  const replica = await customerStore.open(never);
  const hub = createStreamHub({ heartbeatMs: 20 });
  const lastVersions = new Map<number, number>();
  let fault: unknown;
  let upstream = openUpstream();

  function openUpstream(): AircallUpstream {
    const opened = createAircallUpstream({
      customerId,
      settings: { ...TEST_SETTINGS, baseUrl: new URL("https://api.fake.test/"), requestsPerMinute: 3_000 },
      store,
      log: tellTo([]),
      timeoutMs: TIMEOUT_MS,
      wait: (milliseconds, signal) => elapse(milliseconds / TIME_FACTOR, undefined, { signal }),
      fetch,
    });
    if (polls) opened.start();
    return opened;
  }

  function report(message: string): void {
    fault ??= new Error(message);
  }

  function observe(userId: number, version: number, how: string): void {
    const last = lastVersions.get(userId) ?? 0;
    if (version < last) report(`Version ${version} of user ${userId} is ${how} after version ${last}`);
    lastVersions.set(userId, Math.max(version, last));
  }

  function observeMissing(userId: number, how: string): void {
    if (isLasting(userId)) report(`User ${userId}, who was never removed, is ${how}`);
  }

  const stopListening = replica.listen({
    onChange(change) {
      observe(toUserId(change), "agent" in change ? change.agent.version : change.version, "in a change");
      if (!("agent" in change)) observeMissing(change.removedUserId, "removed");
    },
    onReset() {
      for (const { userId, version } of replica.agents()) observe(userId, version, "in a reloaded replica");
    },
  });
  for (const { userId, version } of replica.agents()) observe(userId, version, "loaded");

  const service = createAvailabilityService({
    store: customerStore,
    upstream: {
      allowsNewUsers: false,
      start() {},
      stop: async () => {},
      health: () => upstream.health(),
      setStatus: (change, scope) => upstream.setStatus(change, scope),
    },
    staleLimitSeconds: 60,
  });

  const connections = [undefined, followedIds].map((userIds) => {
    const subscriber = createTestSubscriber();
    let connection: Awaited<ReturnType<typeof openTestConnection>> | undefined;
    return {
      subscriber,
      userIds,
      async connect(): Promise<void> {
        connection?.hangUp();
        subscriber.disconnect();
        connection = await openTestConnection();
        const { response } = connection;
        response.writeHead(200);
        const lastEventId = subscriber.lastEventId();
        hub.open({ customer: customerId, replica, userIds, response, lastEventId, endsAtMs: undefined });
      },
      hear(): void {
        while (connection) {
          const text = connection.read();
          if (text === "") return;
          subscriber.hear(text);
        }
      },
      hangUp: () => connection?.hangUp(),
    };
  });
  for (const { connect } of connections) await connect();

  return {
    replica,
    followers: connections,
    service,
    upstream: () => upstream,
    async read(userId) {
      const { value } = await service.read(userId, never);
      if (value) observe(userId, value.version, "in an answer");
      else observeMissing(userId, "not in an answer");
    },
    async readAll() {
      const reading = await service.readAll(never);
      for (const { userId, version } of reading.agents()) observe(userId, version, "in a list");
    },
    hear() {
      try {
        for (const { hear } of connections) hear();
      } catch (error) {
        fault ??= error;
      }
    },
    async reconnect() {
      for (const { connect } of connections) await connect();
    },
    async restart() {
      await upstream.stop();
      upstream = openUpstream();
    },
    fault: () => fault,
    async stop() {
      stopListening();
      for (const { hangUp } of connections) hangUp();
      hub.close();
      await upstream.stop();
    },
  };
}
