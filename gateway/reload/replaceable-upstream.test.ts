import { expect, test, vi } from "vitest";
import type { StoredAgent } from "../store/agent.ts";
import type { Upstream, UpstreamHealth } from "../upstream/upstream.ts";
import { createReplaceableUpstream } from "./replaceable-upstream.ts";

const CURRENT: UpstreamHealth = { staleSinceMs: undefined, failure: undefined };
const NEVER_READ: UpstreamHealth = { staleSinceMs: -Infinity, failure: undefined };

function upstreamOf(parts: Partial<Upstream> = {}): Upstream & { readonly stop: ReturnType<typeof vi.fn> } {
  return { allowsNewUsers: false, start() {}, health: () => CURRENT, ...parts, stop: vi.fn(() => Promise.resolve()) };
}

const CHANGE = { userId: 1, status: "available", checkAgent: () => Promise.resolve() } as const;
const SCOPE = { signal: new AbortController().signal };

test("stops a retired upstream once the changes in flight have ended, though one fails", async () => {
  const changes: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const upstream = upstreamOf({
    setStatus: () =>
      new Promise<StoredAgent | undefined>((resolve, reject) => {
        changes.push({ resolve: () => resolve(undefined), reject });
      }),
  });
  const replaceable = createReplaceableUpstream(upstream);
  const results = [1, 2].map(() => replaceable.setStatus?.(CHANGE, SCOPE));
  const retired = replaceable.retire();
  changes[0]?.resolve();
  await results[0];
  expect(upstream.stop).not.toHaveBeenCalled();
  changes[1]?.reject(new Error("The vendor is away"));
  await expect(results[1]).rejects.toThrow("The vendor is away");
  await retired;
  expect(upstream.stop).toHaveBeenCalledOnce();
});

test("stops a retired upstream in spite of a change that does not end", async () => {
  const upstream = upstreamOf({ setStatus: () => new Promise(() => {}) });
  const replaceable = createReplaceableUpstream(upstream, undefined, 1);
  void replaceable.setStatus?.(CHANGE, SCOPE);
  await replaceable.retire();
  expect(upstream.stop).toHaveBeenCalledOnce();
});

test("has the health of its predecessor until it has read its own list", () => {
  let own = NEVER_READ;
  let former: UpstreamHealth = { staleSinceMs: undefined, failure: undefined };
  const previous = upstreamOf({ health: () => former });
  const replaceable = createReplaceableUpstream(upstreamOf({ health: () => own }), previous);
  expect(replaceable.health().staleSinceMs).toBeUndefined();
  former = { staleSinceMs: 5_000, failure: undefined };
  expect(replaceable.health().staleSinceMs).toBe(5_000);
  own = CURRENT;
  expect(replaceable.health().staleSinceMs).toBeUndefined();
  own = NEVER_READ;
  // The predecessor counts no longer.
  expect(replaceable.health().staleSinceMs).toBe(-Infinity);
});

test("sets no status if the upstream has none to set", () => {
  expect(createReplaceableUpstream(upstreamOf()).setStatus).toBeUndefined();
});
