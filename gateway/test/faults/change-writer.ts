/** Changes users' statuses through several gateways and records the acknowledged changes. */
import { setTimeout as elapse } from "node:timers/promises";
import * as v from "valibot";
import { expect, onTestFinished } from "vitest";
import { Availability } from "../../../shared/contracts/availability.ts";
import type { GatewayHttpClient } from "./gateway-client.ts";

export interface ChangeWriter {
  /** The changed users. */
  readonly userIds: readonly number[];
  /** The acknowledged versions of a user, in order. */
  acknowledged(userId: number): readonly number[];
  /** Number of acknowledged changes. */
  count(): number;
  /** Resolves when the given number of further changes has been acknowledged. */
  more(changes: number): Promise<void>;
  /** Number of a user's changes without acknowledgement, which may or may not have been made. */
  countInDoubt(userId: number): number;
  /** Number of responses by status; 0 stands for no response. */
  answers(): ReadonlyMap<number, number>;
  /** Resolves when the last change has been answered. */
  stop(): Promise<void>;
}

const STATUSES = ["available", "do_not_disturb", "on_a_break", "out_for_lunch", "doing_back_office", "other"] as const;

/** Pause between two changes of a user, in milliseconds: long enough for a busy machine to follow. */
const REST_MS = 50;

/**
 * Changes each user over and over, one change of a user at a time, each through the next gateway, until stopped or
 * until the test has finished.
 */
export function startWriting(clients: readonly GatewayHttpClient[], userIds: readonly number[]): ChangeWriter {
  const acknowledged = new Map<number, readonly Pick<Availability, "status" | "version">[]>();
  const answers = new Map<number, number>();
  const inDoubt = new Map<number, number>();
  let isStopped = false;

  async function change(userId: number, turn: number): Promise<void> {
    const client = clients[(userId + turn) % clients.length];
    const wanted = STATUSES[turn % STATUSES.length] ?? "";
    const { status = 0, body } = (await client?.setStatus(userId, wanted)) ?? {};
    answers.set(status, (answers.get(status) ?? 0) + 1);
    if (status === 200) acknowledge(v.parse(Availability, body));
    else inDoubt.set(userId, (inDoubt.get(userId) ?? 0) + 1);
  }

  function acknowledge({ userId, status, version }: Availability): void {
    const last = acknowledged.get(userId)?.at(-1);
    // The user had the status already, for example because all changes in between were rejected.
    if (last?.status === status && last.version === version) return;
    acknowledged.set(userId, [...(acknowledged.get(userId) ?? []), { status, version }]);
  }

  async function writeFor(userId: number): Promise<void> {
    for (let turn = 0; !isStopped; turn += 1) {
      await change(userId, turn);
      await elapse(REST_MS);
    }
  }

  const done = Promise.all(userIds.map(writeFor));
  const stop = async () => {
    isStopped = true;
    await done;
  };
  onTestFinished(stop);
  const count = () => [...acknowledged.values()].reduce((sum, changes) => sum + changes.length, 0);
  return {
    userIds,
    acknowledged: (userId) => (acknowledged.get(userId) ?? []).map(({ version }) => version),
    count,
    async more(changes) {
      const before = count();
      await expect.poll(count).toBeGreaterThan(before + changes);
    },
    countInDoubt: (userId) => inDoubt.get(userId) ?? 0,
    answers: () => answers,
    stop,
  };
}
