/** Schemas of environment variables. */
import * as v from "valibot";
import { isServiceLink } from "./unknown-variables.ts";

export const Port = v.pipe(
  v.string(),
  v.check(isPort, ({ input }) => `${JSON.stringify(input)} ${describeInvalidPort(input)}`),
  v.transform(Number),
);

export const Host = v.pipe(
  v.string(),
  v.regex(/^[\w.:-]+$/, ({ input }) => `${JSON.stringify(input)} is not a host name or IP address`),
);

export const Seconds = v.pipe(
  v.string(),
  v.check(
    (text) => /^\d{1,9}$/.test(text),
    ({ input }) => `${JSON.stringify(input)} is not a whole number of seconds`,
  ),
  v.transform(Number),
);

/**
 * Describes a bad port. A Kubernetes service called `gateway` sets `GATEWAY_PORT` in every container of its namespace.
 */
function describeInvalidPort(text: string): string {
  if (!isServiceLink(text)) return "is not a port (a whole number from 0 to 65535)";
  return "is the address of a Kubernetes service (set enableServiceLinks: false in the pod)";
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** Documentation of a variable, as metadata of its schema. */
export const VariableMetadata = v.object({
  /** The effect of the variable, with its unit. */
  meaning: v.string(),
  /** A valid value. */
  example: v.string(),
  /** True if the value may be a secret: no output shows it, and `NAME_FILE` may give the path of a file that has it. */
  isSecret: v.optional(v.boolean(), false),
});

/** A variable of the environment, for a reader of `--help`. */
export interface Variable extends v.InferOutput<typeof VariableMetadata> {
  readonly name: string;
  /** Default value as text; `undefined` if there is no default. */
  readonly defaultText: string | undefined;
}

/** Lists the variables of schemas with their documentation. */
export function listVariables(schemas: Readonly<Record<string, v.GenericSchema>>): readonly Variable[] {
  return Object.entries(schemas).map(([name, schema]) => ({
    name,
    ...v.parse(VariableMetadata, v.getMetadata(schema)),
    defaultText: "default" in schema && typeof schema.default === "string" ? schema.default : undefined,
  }));
}
