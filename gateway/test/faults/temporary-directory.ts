import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/**
 * Creates an empty directory, removed after the test. Create the directory before the processes in it, because cleanup
 * runs in reverse order.
 */
export async function makeTemporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "availability-faults-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
