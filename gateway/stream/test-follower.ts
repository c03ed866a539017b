/** Clients of a stream, and the replica that they follow. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, vi } from "vitest";
import type { StoredAgent } from "../store/agent.ts";
import { createChangeHistory } from "../store/change-history.ts";
import { toCursorText } from "../store/cursor.ts";
import { createReplica, emptyContents, type WritableReplica } from "../store/replica.ts";
import { createTestSubscriber, type TestSubscriber, type TestSubscriberOptions } from "../test/test-subscriber.ts";
import type { StreamHub } from "./stream-hub.ts";
import { openTestConnection, type TestConnection } from "./test-connection.ts";

/** Time between the heartbeats of a stream, in milliseconds. */
export const HEARTBEAT_MS = 15_000;

/** Fakes the timer of heartbeats alone. The rest of the test waits for real streams. */
export function fakeHeartbeatTimer(): void {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Agents with the ids from 1, at version 1. */
export function agents(count: number): StoredAgent[] {
  return Array.from({ length: count }, (_, index) => ({
    userId: index + 1,
    status: "available",
    version: 1,
    updatedAt: 0,
  }));
}

/** Client of a stream. Reconnects after a lost connection. */
export interface Follower {
  readonly subscriber: TestSubscriber;
  readonly userIds: ReadonlySet<number> | undefined;
  connect(hub: StreamHub, replica: WritableReplica): Promise<void>;
  /** Reads the sent data: everything, or at most `length` characters. */
  read(length?: number): void;
  hangUp(): void;
  hasUnread(): boolean;
  isConnected(): boolean;
}

interface FollowerOptions extends TestSubscriberOptions {
  /** Users that the client follows. @default all users */
  readonly userIds?: ReadonlySet<number>;
}

/** Creates a client that is not connected. */
export function createFollower({ userIds, ...options }: FollowerOptions = {}): Follower {
  const subscriber = createTestSubscriber(options);
  let connection: TestConnection | undefined;

  function hangUp(): void {
    connection?.hangUp();
    connection = undefined;
    subscriber.disconnect();
  }

  return {
    subscriber,
    userIds,
    hangUp,
    async connect(hub, replica) {
      hangUp();
      connection = await openTestConnection();
      const { response } = connection;
      response.writeHead(200);
      const lastEventId = subscriber.lastEventId();
      hub.open({ customer: "demo", replica, userIds, response, lastEventId, endsAtMs: undefined });
    },
    read: (length) => subscriber.hear(connection?.read(length) ?? ""),
    hasUnread: () => connection?.hasUnread() ?? false,
    isConnected: () => connection !== undefined && !connection.response.destroyed,
  };
}

/** Turns of the event loop until an idle stream has written all its data: a large snapshot has a turn for each piece. */
const SETTLED_TURNS = 15;

/** Reads until no more data comes; disconnected clients reconnect. */
export async function settle(followers: readonly Follower[], hub: StreamHub, replica: WritableReplica): Promise<void> {
  for (let quiet = 0; quiet < SETTLED_TURNS; quiet += 1) {
    for (const follower of followers) {
      if (!follower.isConnected()) await follower.connect(hub, replica);
      if (follower.hasUnread()) quiet = 0;
      follower.read();
    }
    await turn();
  }
}

/** Creates a replica of the given agents and the source of the replica's changes. */
export function createSource(known: readonly StoredAgent[], historyLength = 1000) {
  let position = 0;
  const at = (): string => toCursorText({ epoch: "c", position });
  const createHistory = () => createChangeHistory(position, { length: historyLength }).of("acme");
  const replica = createReplica({ ...emptyContents("c", () => position, createHistory()), agents: known });
  return {
    replica,
    set(agent: Pick<StoredAgent, "userId" | "status" | "version">) {
      position += 1;
      replica.apply(position, { cursor: at(), agent: { ...agent, updatedAt: agent.version } });
    },
    remove(removedUserId: number, version: number) {
      position += 1;
      replica.apply(position, { cursor: at(), removedUserId, version });
    },
    reset(next: readonly StoredAgent[]) {
      position += 1;
      replica.reset({ ...emptyContents("c", () => position, createHistory()), agents: next });
    },
  };
}

/** Expects that a client has exactly the agents of the replica that it follows, and is current. */
export function expectAll({ subscriber, userIds }: Follower, replica: WritableReplica): void {
  expect(subscriber.isCurrent()).toBe(true);
  const agents = [...replica.agents()].filter(({ userId }) => !userIds || userIds.has(userId));
  expect([...subscriber.users().values()].sort(byId)).toEqual(agents.sort(byId));
  if (userIds) expect([...subscriber.userIds()].filter((userId) => !userIds.has(userId))).toEqual([]);
}

function byId(a: StoredAgent, b: StoredAgent): number {
  return a.userId - b.userId;
}
