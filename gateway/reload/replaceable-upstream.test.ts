import { expect, test, vi } from "vitest";
import type { StoredAgent } from "../store/agent.ts";
import { type Upstream, UpstreamError, type UpstreamHealth } from "../upstream/upstream.ts";
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

test("has the stale limit and the failure of its predecessor until it has read its own list", () => {
  const failure = new UpstreamError("Status 500", { status: 500 });
  const former: UpstreamHealth = { staleSinceMs: 5_000, failure, minStaleLimitSeconds: 164 };
  let own: UpstreamHealth = { ...NEVER_READ, minStaleLimitSeconds: 0, budgetLeft: 60 };
  const replaceable = createReplaceableUpstream(
    upstreamOf({ health: () => own }),
    upstreamOf({ health: () => former }),
  );
  expect(replaceable.health()).toEqual({ ...former, budgetLeft: 60 });
  const latest = new UpstreamError("Status 403", { status: 403 });
  own = { ...own, failure: latest };
  expect(replaceable.health()).toMatchObject({ staleSinceMs: 5_000, failure: latest });
  own = { ...CURRENT, minStaleLimitSeconds: 6 };
  expect(replaceable.health()).toEqual(own);
});

test("sets no status if the upstream has none to set", () => {
  expect(createReplaceableUpstream(upstreamOf()).setStatus).toBeUndefined();
});
