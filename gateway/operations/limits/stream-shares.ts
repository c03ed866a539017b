/** Part of a gateway's connections that streams can take; the rest is for reads and health checks. */
const STREAM_PART = 0.8;

/** Places of one customer's streams. */
export interface StreamPlaces {
  /** Number of the customer's open streams. */
  taken(): number;
  /** True while the customer's share of the gateway's places has room for another stream. */
  hasRoom(): boolean;
  /** Takes a place. Call the returned function once, when the stream ends. */
  take(): () => void;
}

/** Places for the streams of all customers at a gateway. */
export interface StreamShares {
  /** Returns the places of another customer. */
  ofCustomer(): StreamPlaces;
}

export interface StreamSharesOptions {
  /** Maximum open connections of the gateway. */
  readonly maxConnections: number;
  /** Returns the number of customers. One alone has every place. */
  readonly customers: () => number;
}

/**
 * Creates the places of a gateway's streams. A customer may open a stream while fewer of its streams are open than places
 * are free: one customer takes half of the places at most, two a third each, and so on, so that places are left for the
 * next customer however many streams the others open.
 */
export function createStreamShares({ maxConnections, customers }: StreamSharesOptions): StreamShares {
  const places = Math.max(1, Math.floor(maxConnections * STREAM_PART));
  let total = 0;
  return {
    ofCustomer() {
      let taken = 0;
      return {
        taken: () => taken,
        hasRoom: () => (customers() === 1 ? taken < places : taken < places - total),
        take() {
          taken += 1;
          total += 1;
          return () => {
            taken -= 1;
            total -= 1;
          };
        },
      };
    },
  };
}
