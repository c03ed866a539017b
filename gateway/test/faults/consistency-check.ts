/** Holds what readers were told against what writers were promised and what the gateways have in the end. */
import { expect } from "vitest";
import type { ChangeWriter } from "./change-writer.ts";
import type { StreamReader } from "./stream-reader.ts";

/** Resolves when each reader has been told the whole. */
export async function expectCurrent(readers: readonly StreamReader[]): Promise<void> {
  await expect.poll(() => readers.filter((reader) => !reader.isCurrent()).length).toBe(0);
}

/** Resolves when each reader knows the versions of this moment, and no others. None was ever told what it must not be told. */
export async function expectCaughtUp(
  readers: readonly StreamReader[],
  versions: ReadonlyMap<number, number>,
): Promise<void> {
  const wanted = toText(versions);
  await expect
    .poll(() => readers.map((reader) => toText(reader.versions())).filter((known) => known !== wanted))
    .toEqual([]);
  // Nothing twice, no version after a higher one, and no event that is not documented.
  expect(readers.map((reader) => reader.failure()).filter((failure) => failure !== undefined)).toEqual([]);
}

/**
 * Every reader was told every acknowledged change exactly once and in order, and nothing that was neither acknowledged
 * nor left in doubt. For readers who were current before the first change, and were never told to begin anew.
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
    // The first one is the snapshot's, from before anything was changed.
    const inDoubt = versions.slice(1).filter((version) => !acknowledged.includes(version));
    expect(inDoubt.length).toBeLessThanOrEqual(writer.countInDoubt(userId));
  }
  // Not even what is in doubt was told to some and not to others.
  expect(new Set(stories.map((each) => JSON.stringify(each))).size).toBe(1);
}

/** What was acknowledged last of each user is known to every reader, or something newer. */
export function expectNothingLost(readers: readonly StreamReader[], { userIds, acknowledged }: ChangeWriter): void {
  for (const reader of readers) {
    for (const userId of userIds) {
      expect(reader.versions().get(userId)).toBeGreaterThanOrEqual(acknowledged(userId).at(-1) ?? 0);
    }
  }
}

/** The versions that were acknowledged of a user are each higher than the one before. */
export function expectGrowing({ userIds, acknowledged }: ChangeWriter): void {
  for (const userId of userIds) expect(isGrowing(acknowledged(userId))).toBe(true);
}

function isGrowing(versions: readonly number[]): boolean {
  return versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0));
}

function toText(versions: ReadonlyMap<number, number>): string {
  return JSON.stringify([...versions].sort(([a], [b]) => a - b));
}
