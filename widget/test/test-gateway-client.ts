import type { GatewayClient } from "../gateway/gateway-client.ts";

/** Rejects a call that the test does not expect. */
export function failUnexpectedCall(): Promise<never> {
  return Promise.reject(new Error("unexpected call of the gateway client"));
}

/** Gateway client without expected calls. A test overrides the methods that it expects. */
export const unusedGateway: GatewayClient = {
  statistics: { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 },
  fetchAvailability: failUnexpectedCall,
  fetchAvailabilities: failUnexpectedCall,
  fetchAllAvailabilities: failUnexpectedCall,
  fetchResource: failUnexpectedCall,
  updateOwnAvailability: failUnexpectedCall,
  openLive: failUnexpectedCall,
  verifyToken: failUnexpectedCall,
  provideToken: failUnexpectedCall,
  useCache() {},
};
