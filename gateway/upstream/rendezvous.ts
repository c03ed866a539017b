/**
 * Chooses a gateway for a customer by rendezvous hashing: gateways with equal knowledge of the live gateways choose
 * the same gateway, and a gateway that comes or goes moves only its own share of the customers.
 *
 * @param place which gateway of the customer's order to choose, from 0; starts again after the last gateway
 * @returns the id of the gateway; `undefined` without gateways.
 */
export function chooseGateway(customerId: string, gatewayIds: readonly string[], place = 0): string | undefined {
  const customer = hash(customerId);
  const scored = gatewayIds.map((id) => ({ id, score: mix(customer ^ hash(id)) }));
  // Equal scores must not depend on the order of the ids.
  scored.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  return scored[place % scored.length]?.id;
}

/** FNV-1a, 32 bits, of a text of ASCII characters. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return mix(value);
}

/** Finalizer of MurmurHash3: every bit of the value influences every bit of the result. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
