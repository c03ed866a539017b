/**
 * Registry of the connections of a page. Iframes of a site share a process, so a hanging widget blocks every iframe of the
 * site. A new process starts only after every iframe of the origin is removed.
 */

/** A connection in the registry. Several copies of the package share the shape, so the shape must not change. */
export interface RegisteredConnection {
  /** The widget's origin. */
  readonly origin: string;
  /** Removes the iframe. */
  drop(): void;
  /** Mounts a new iframe. */
  renew(): void;
}

/** Returns the set of all connections of the page. Several copies of the package on a page share its key, so the key must not change. */
export function getRegistry(): Set<RegisteredConnection> {
  const shared: Record<symbol, Set<RegisteredConnection> | undefined> = globalThis;
  return (shared[Symbol.for("availability-bridge.neighbours")] ??= new Set());
}

/**
 * Claims an iframe for one connection. Two connections on one iframe would cut each other off without end.
 *
 * @returns A function that releases the iframe, so that another connection can claim it.
 * @throws {TypeError} when another connection has claimed the iframe and has not released it.
 */
export function claimFrame(frame: HTMLIFrameElement): () => void {
  // Copies of the package share this key as well.
  const shared: Record<symbol, WeakSet<HTMLIFrameElement> | undefined> = globalThis;
  const claimed = (shared[Symbol.for("availability-bridge.frames")] ??= new WeakSet());
  if (claimed.has(frame)) throw new TypeError("frame: expected no other connector on it");
  claimed.add(frame);
  return () => claimed.delete(frame);
}

/** Removes every iframe of the origin in the current task, and only then mounts new iframes. */
export function remountAll(origin: string): void {
  const affected = [...getRegistry()].filter((connection) => connection.origin === origin);
  for (const connection of affected) connection.drop();
  for (const connection of affected) connection.renew();
}
