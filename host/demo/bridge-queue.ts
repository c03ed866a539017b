/** The page's way to the bridge: the queue that the script tag serves. */
import type { Connector } from "../connector.ts";

/**
 * The connector, as soon as the script tag has made it. Stays pending for ever where the script cannot be loaded,
 * since a script that never came has nobody to say so.
 */
export function whenConnected(): Promise<Connector> {
  return new Promise((resolve) => {
    (window.availabilityBridge ||= []).push((connector) => resolve(connector));
  });
}
