/**
 * The links to one widget origin on a page. Frames of one site share a process, so that one that hangs hangs them all:
 * every frame has to go before a new one gets a new process.
 */

/** A link, as the others on the page know it. */
export interface Neighbour {
  /** The widget's origin. */
  readonly origin: string;
  /** Gives the frame up. */
  drop(): void;
  /** Mounts a new frame. */
  renew(): void;
}

/** Also where several copies of this package are on a page. Its shape is what they agree on. */
const REGISTRY = Symbol.for("availability-bridge.neighbours");

/** Every link of the page. */
export function joinPage(): Set<Neighbour> {
  const page = globalThis as { [REGISTRY]?: Set<Neighbour> };
  page[REGISTRY] ??= new Set();
  return page[REGISTRY];
}

/** Gives up every frame of this origin, all of them in this task, and only then mounts new ones. */
export function renewAll(origin: string): void {
  const hung = [...joinPage()].filter((neighbour) => neighbour.origin === origin);
  for (const { drop } of hung) drop();
  for (const { renew } of hung) renew();
}
