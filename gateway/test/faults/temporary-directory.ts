import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty directory, which goes with the test. Make it before the processes that use it: what came last ends first. */
export async function makeTemporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "availability-faults-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
