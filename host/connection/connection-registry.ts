/**
 * Registry of the connections of a page. Iframes of one site share a process, so a widget that hangs takes all of them along:
 * a new process starts only after every iframe of the origin is gone.
 */

/** A connection, as the others on the page see it. Several copies of this package agree on this shape: it must not change. */
export interface RegisteredConnection {
  /** The widget's origin. */
  readonly origin: string;
  /** Removes the iframe. */
  drop(): void;
  /** Mounts a new iframe. */
  renew(): void;
}

/** The name of the registry, which several copies of this package on one page share. It must not change. */
const REGISTRY = Symbol.for("availability-bridge.neighbours");

/** Returns the set of all connections of the page. */
export function getRegistry(): Set<RegisteredConnection> {
  const page = globalThis as { [REGISTRY]?: Set<RegisteredConnection> };
  page[REGISTRY] ??= new Set();
  return page[REGISTRY];
}

/** Removes every iframe of this origin, all of them in this task, and only then mounts new ones. */
export function remountAll(origin: string): void {
  const affected = [...getRegistry()].filter((connection) => connection.origin === origin);
  for (const { drop } of affected) drop();
  for (const { renew } of affected) renew();
}
