/** Access to the connector through the queue of the script tag. */
import type { Connector } from "../connector.ts";

/**
 * Resolves with the connector after the script tag has connected. Stays pending if the script cannot be loaded: no code runs
 * that could reject the promise.
 */
export function whenConnected(): Promise<Connector> {
  return new Promise((resolve) => {
    (window.availabilityBridge ||= []).push((connector) => resolve(connector));
  });
}
