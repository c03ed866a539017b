import { TOKEN_VARIABLES } from "../auth/token-settings-from-env.ts";
import type { Variable } from "./env-schemas.ts";
import type { ResolvedEnvironment } from "./secret-files.ts";

/** A variable as the gateway uses it. */
export interface EffectiveVariable {
  /** Value as text; `undefined` for a variable that is not set and has no default. */
  readonly text: string | undefined;
  /** `environment`, `file` with the path of the file, or `default`. */
  readonly origin: string;
  readonly isSecret: boolean;
  /** True if a reload applies another value to the running gateway. */
  readonly isReloadable: boolean;
}

/** Variables of customers, applied by a reload. The rest needs a restart. */
const RELOADABLE = ["JWT_SECRET", "DEMO_TOKEN_SECRET"];

/** True for a variable without effect beside a customers' file, whose customers have origins and tokens. */
function isForDemo(name: string): boolean {
  return name === "ALLOWED_ORIGINS" || TOKEN_VARIABLES.some((variable) => variable.name === name);
}

/** Lists the variables with their values and origins; beside a customers' file without those that have no effect. */
export function listEffectiveVariables(
  variables: readonly Variable[],
  { environment, files }: ResolvedEnvironment,
): Readonly<Record<string, EffectiveVariable>> {
  const describe = ({ name, defaultText, isSecret }: Variable): EffectiveVariable => {
    // An empty text stands for an unset variable, as everywhere.
    const given = environment[name] || undefined;
    const path = files.get(name);
    const origin = path === undefined ? "environment" : `file ${path}`;
    return {
      text: given ?? defaultText,
      origin: given === undefined ? "default" : origin,
      isSecret,
      isReloadable: RELOADABLE.includes(name),
    };
  };
  const effective = environment["GATEWAY_CONFIG"] ? variables.filter(({ name }) => !isForDemo(name)) : variables;
  return Object.fromEntries(effective.map((variable) => [variable.name, describe(variable)]));
}
