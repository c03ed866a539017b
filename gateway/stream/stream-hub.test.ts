import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import type { WritableReplica } from "../store/replica.ts";
import { createTestSubscriber } from "../test/test-subscriber.ts";
import { createStreamHub } from "./stream-hub.ts";
import { openTestConnection } from "./test-connection.ts";
import {
  agents,
  createFollower,
  createSource,
  expectAll,
  fakeHeartbeatTimer,
  HEARTBEAT_MS,
  settle,
} from "./test-follower.ts";
import { createGateways, MANY } from "./test-gateways.ts";

test("disconnects a subscriber that reads no missing data between two heartbeats, and no slow one", async () => {
  fakeHeartbeatTimer();
  const gateways = createGateways(3 * MANY, {});
  onTestFinished(gateways.close);
  const { hub, replica } = gateways.gateway(0);
  const [slow, stuck] = [createFollower(), createFollower()];
  await slow.connect(hub, replica);
  await stuck.connect(hub, replica);
  while (!slow.hasUnread() || !stuck.hasUnread()) await turn();
  for (let beats = 0; beats < 2; beats += 1) {
    slow.read();
    await turn();
    vi.advanceTimersByTime(HEARTBEAT_MS);
  }
  expect([slow.isConnected(), stuck.isConnected()]).toEqual([true, false]);
  await settle([slow], hub, replica);
  expectAll(slow, replica);
});

test("sends no heartbeat while the replica is stale for longer than a heartbeat, and one as soon as it is current", async () => {
  fakeHeartbeatTimer();
  const time = { monotonicMs: 0 };
  const hub = createStreamHub({
    heartbeatMs: HEARTBEAT_MS,
    clock: { wallMs: () => 0, monotonicMs: () => time.monotonicMs },
  });
  onTestFinished(hub.close);
  const { replica } = createSource(agents(1));
  const follower = createFollower();
  await settle([follower], hub, replica);
  const heartbeats = () => follower.subscriber.events().filter((name) => name === "").length;
  const beat = async (): Promise<void> => {
    time.monotonicMs += HEARTBEAT_MS;
    vi.advanceTimersByTime(HEARTBEAT_MS);
    await settle([follower], hub, replica);
  };
  replica.setStaleSince(0);
  await beat();
  expect(heartbeats()).toBe(1);
  await beat();
  expect(heartbeats()).toBe(1);
  // A resumed subscriber has all changes known to this gateway, but maybe not all changes.
  await follower.connect(hub, replica);
  await settle([follower], hub, replica);
  expect(heartbeats()).toBe(1);
  replica.setStaleSince(undefined);
  await settle([follower], hub, replica);
  expect(heartbeats()).toBe(2);
});

test("closes a stream at the first heartbeat after its token has expired", async () => {
  fakeHeartbeatTimer();
  const time = { wallMs: 1000 };
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => 0 };
  const hub = createStreamHub({ heartbeatMs: HEARTBEAT_MS, clock });
  onTestFinished(hub.close);
  const replica = createSource(agents(1)).replica;
  const { response, read } = await openTestConnection();
  hub.open({ customer: "demo", replica, response, lastEventId: undefined, endsAtMs: 2000 });
  const subscriber = createTestSubscriber();
  const beatAndRead = async (): Promise<void> => {
    vi.advanceTimersByTime(HEARTBEAT_MS);
    await turn();
    subscriber.hear(read());
    await turn();
    subscriber.hear(read());
  };
  await beatAndRead();
  await beatAndRead();
  expect(response.writableEnded).toBe(false);
  time.wallMs = 2000;
  await beatAndRead();
  expect(response.writableEnded).toBe(true);
  // The client may reconnect at once, with another token.
  expect(subscriber.retryMs()).toBeUndefined();
  expect(subscriber.events()).toEqual(["reset", "availability", "current", ""]);
});

test("reports each stream, fan-out and disconnected subscriber to its observer", async () => {
  const calls: string[] = [];
  const time = { monotonicMs: 0 };
  // The clock advances by a millisecond at every reading.
  const clock = { wallMs: () => 0, monotonicMs: () => (time.monotonicMs += 1) };
  const hub = createStreamHub({
    clock,
    maxBufferedBytes: 200,
    observer: {
      onStream(customer) {
        calls.push(`${customer} opened`);
        return () => calls.push(`${customer} closed`);
      },
      onFanOut: (lagMs) => calls.push(`sent after ${lagMs} ms`),
      onSubscriberDropped: (customer) => calls.push(`${customer} disconnected`),
    },
  });
  onTestFinished(hub.close);
  const source = createSource([]);
  const follower = createFollower();
  await follower.connect(hub, source.replica);
  await settle([follower], hub, source.replica);
  for (const version of [1, 2, 3]) source.set({ userId: 1, status: "other", version });
  await turn();
  expect(calls.slice(0, 2)).toEqual(["demo opened", "sent after 1 ms"]);
  expect(calls.slice(-2)).toEqual(["sent after 1 ms", "demo closed"]);
  expect(calls).toContain("demo disconnected");
  expect(calls.filter((line) => line === "demo disconnected")).toHaveLength(1);
});

test("closes a stream at once if it opens while the hub is closed", async () => {
  const hub = createStreamHub();
  hub.close();
  const replica = createSource(agents(1)).replica;
  const { response, read } = await openTestConnection();
  hub.open({ customer: "demo", replica, response, lastEventId: "c-0", endsAtMs: undefined });
  await turn();
  const subscriber = createTestSubscriber();
  subscriber.hear(read());
  expect(response.writableEnded).toBe(true);
  expect(subscriber.retryMs()).toBeLessThanOrEqual(10_000);
});

test("forgets a client that has disconnected before its stream starts", async () => {
  const calls: string[] = [];
  const hub = createStreamHub({
    observer: {
      onStream() {
        calls.push("opened");
        return () => calls.push("closed");
      },
      onFanOut: () => calls.push("sent"),
      onSubscriberDropped: () => calls.push("disconnected"),
    },
  });
  onTestFinished(hub.close);
  const source = createSource(agents(1));
  const { response, hangUp } = await openTestConnection();
  hangUp();
  await once(response, "close");
  hub.open({ customer: "demo", replica: source.replica, response, lastEventId: undefined, endsAtMs: undefined });
  source.set({ userId: 1, status: "other", version: 2 });
  await turn();
  expect(calls).toEqual(["opened", "closed"]);
});

test("closes the stream and reports the defect if writing to a subscriber throws", async () => {
  const defects: unknown[] = [];
  const hub = createStreamHub({ onDefect: (error) => void defects.push(error) });
  onTestFinished(hub.close);
  const { replica } = createSource(agents(1));
  const defect = new Error("No agents");
  const broken: WritableReplica = {
    ...replica,
    agents() {
      throw defect;
    },
  };
  const follower = createFollower();
  await follower.connect(hub, broken);
  await turn();
  expect(defects).toEqual([defect]);
  expect(follower.isConnected()).toBe(false);
});
