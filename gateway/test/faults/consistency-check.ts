/** Compares the events that subscribers received with the acknowledged changes and with the gateways' final state. */
import { expect } from "vitest";
import type { ChangeWriter } from "./change-writer.ts";
import type { StreamReader } from "./stream-reader.ts";

/** Resolves when each subscriber has received a whole snapshot. */
export async function expectCurrent(readers: readonly StreamReader[]): Promise<void> {
  await expect.poll(() => readers.filter((reader) => !reader.isCurrent()).length).toBe(0);
}

/**
 * Resolves when each subscriber has exactly the present versions. No subscriber may have received a forbidden event.
 */
export async function expectCaughtUp(
  readers: readonly StreamReader[],
  versions: ReadonlyMap<number, number>,
): Promise<void> {
  const wanted = toText(versions);
  await expect
    .poll(() => readers.map((reader) => toText(reader.versions())).filter((known) => known !== wanted))
    .toEqual([]);
  // No duplicates, no version after a higher version, and no undocumented event.
  expect(readers.map((reader) => reader.failure()).filter((failure) => failure !== undefined)).toEqual([]);
}

/**
 * Checks that each subscriber received every acknowledged change exactly once and in order, and otherwise only changes
 * of unknown outcome. For subscribers with a single snapshot, from before the first change.
 */
export function expectEachChangeOnce(readers: readonly StreamReader[], writer: ChangeWriter): void {
  const stories = readers.map((reader) => {
    expect(reader.resets()).toBe(1);
    return writer.userIds.map(reader.versionsOf);
  });
  for (const [index, userId] of writer.userIds.entries()) {
    const versions = stories[0]?.[index] ?? [];
    const acknowledged = writer.acknowledged(userId);
    expect(isGrowing(versions)).toBe(true);
    expect(versions).toEqual(expect.arrayContaining([...acknowledged]));
    // The first version is the snapshot's, from before the changes.
    const inDoubt = versions.slice(1).filter((version) => !acknowledged.includes(version));
    expect(inDoubt.length).toBeLessThanOrEqual(writer.countInDoubt(userId));
  }
  // A change of unknown outcome was sent either to every subscriber or to no subscriber.
  expect(new Set(stories.map((each) => JSON.stringify(each))).size).toBe(1);
}

/** Checks that each subscriber has the last acknowledged version of each user, or a newer version. */
export function expectNothingLost(readers: readonly StreamReader[], { userIds, acknowledged }: ChangeWriter): void {
  for (const reader of readers) {
    for (const userId of userIds) {
      expect(reader.versions().get(userId)).toBeGreaterThanOrEqual(acknowledged(userId).at(-1) ?? 0);
    }
  }
}

/** Checks that each acknowledged version of a user is higher than the version before. */
export function expectGrowing({ userIds, acknowledged }: ChangeWriter): void {
  for (const userId of userIds) expect(isGrowing(acknowledged(userId))).toBe(true);
}

function isGrowing(versions: readonly number[]): boolean {
  return versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0));
}

function toText(versions: ReadonlyMap<number, number>): string {
  return JSON.stringify([...versions].sort(([a], [b]) => a - b));
}
