import type { GatewayClient } from "../gateway/gateway-client.ts";

/** What nobody should ask here. */
export function unasked(): Promise<never> {
  return Promise.reject(new Error("Nobody asks for this here"));
}

/** A way to the backend that nobody should go: what is asked in a test, the test says itself. */
export const unaskedGateway: GatewayClient = {
  statistics: { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 },
  fetchAvailability: unasked,
  fetchAvailabilities: unasked,
  fetchResource: unasked,
  updateOwnAvailability: unasked,
  follow: unasked,
  prove: unasked,
  lend: unasked,
  goBy() {},
};
