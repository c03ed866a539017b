import type { Environment } from "./environment.ts";

/** Prefixes of the gateway's variables, which other programs are unlikely to use. */
const OWN_PREFIXES = ["GATEWAY_", "UPSTREAM_", "JWT_"];

/**
 * Prefix of the variables of OpenTelemetry, which has some hundred. Its libraries read them, and collectors and other programs of the
 * machine do as well, so that one beside the known ones is no mistake.
 */
const TELEMETRY_PREFIX = "OTEL_";

/** Maximum edits between a misspelt name and the right name, for a name without these prefixes. */
const MAX_EDITS = 2;

/** Variables that Kubernetes sets in each container for the services of the namespace. */
const SERVICE_LINK_NAMES = [/_SERVICE_(?:HOST|PORT(?:_\w+)?)$/, /_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/];

/** True if a variable has the value of a Kubernetes service link, such as `GATEWAY_PORT=tcp://10.0.0.1:4100`. */
export function isServiceLink(value: string): boolean {
  return /^(?:tcp|udp|sctp):\/\//.test(value);
}

/**
 * Finds variables of the gateway without effect, such as misspelt names. Returns a line per variable, with the nearest
 * valid name. `known` has the gateway's own variables, and `referenced` has the variables in the customers' file. No
 * line contains a value.
 */
export function findUnknownVariables(
  environment: Environment,
  { known, referenced }: { readonly known: readonly string[]; readonly referenced: ReadonlySet<string> },
): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!value || known.includes(name) || referenced.has(name) || name.startsWith(TELEMETRY_PREFIX)) return [];
    if (SERVICE_LINK_NAMES.some((shape) => shape.test(name)) || isServiceLink(value)) return [];
    const { nearest, edits } = findNearest(name, known);
    const isMeant = OWN_PREFIXES.some((prefix) => name.startsWith(prefix)) || edits <= MAX_EDITS;
    return isMeant ? [`${name}: has no effect, since the gateway has no such setting; the nearest is ${nearest}`] : [];
  });
}

function findNearest(name: string, known: readonly string[]): { readonly nearest: string; readonly edits: number } {
  const candidates = known.map((nearest) => ({ nearest, edits: countEdits(name, nearest) }));
  return candidates.reduce((best, next) => (next.edits < best.edits ? next : best), { nearest: "", edits: Infinity });
}

/** Counts the letters to insert, delete, replace or swap with their neighbour (optimal string alignment distance). */
function countEdits(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replace = at(last, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swap = isSwap ? at(beforeLast, j - 2) + 1 : Infinity;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replace, swap));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
