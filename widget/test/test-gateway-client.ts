import type { GatewayClient } from "../gateway/gateway-client.ts";

/** What nobody should ask here. */
export function failUnexpectedCall(): Promise<never> {
  return Promise.reject(new Error("Nobody asks for this here"));
}

/** A way to the backend that nobody should go: what is asked in a test, the test says itself. */
export const unusedGateway: GatewayClient = {
  statistics: { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 },
  fetchAvailability: failUnexpectedCall,
  fetchAvailabilities: failUnexpectedCall,
  fetchResource: failUnexpectedCall,
  updateOwnAvailability: failUnexpectedCall,
  openLive: failUnexpectedCall,
  verifyToken: failUnexpectedCall,
  provideToken: failUnexpectedCall,
  useCache() {},
};
