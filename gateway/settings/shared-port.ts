import { isIPv4 } from "node:net";

/** Addresses and ports of the gateway's two sides. */
export interface ListeningPorts {
  readonly GATEWAY_HOST: string;
  readonly GATEWAY_PORT: number;
  readonly GATEWAY_ADMIN_HOST: string;
  readonly GATEWAY_ADMIN_PORT?: number | undefined;
}

/** Describes a port that both sides would listen on, as a problem; no problem if one of them takes a free port. */
export function describeSharedPort(ports: ListeningPorts): readonly string[] {
  const { GATEWAY_PORT: port, GATEWAY_ADMIN_PORT: adminPort } = ports;
  if (port === 0 || port !== adminPort) return [];
  if (!overlap(ports.GATEWAY_HOST, ports.GATEWAY_ADMIN_HOST)) return [];
  return [`GATEWAY_ADMIN_PORT: is the same as GATEWAY_PORT (${port})`];
}

/** True if two addresses have an address in common: `::` stands for all, and `0.0.0.0` for those of IPv4. */
function overlap(one: string, other: string): boolean {
  if (one === other || one === "::" || other === "::") return true;
  return (one === "0.0.0.0" && isIPv4(other)) || (other === "0.0.0.0" && isIPv4(one));
}
