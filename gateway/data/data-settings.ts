import * as v from "valibot";
import { OPERATION_VARIABLES, type OperationSettings } from "../operations/operation-settings.ts";
import { parseConfig } from "../settings/config-file.ts";
import { CustomerId } from "../settings/customer-settings.ts";
import type { Environment } from "../settings/environment.ts";
import { REDIS_VARIABLES, readRedisSettings } from "../settings/redis-settings.ts";
import { findReferences, resolveReferences } from "../settings/references.ts";
import { describeReadError, type ReadFile, readTextFile, resolveFiles } from "../settings/secret-files.ts";
import { DEMO_CUSTOMER, type Settings, SettingsError } from "../settings/settings.ts";

/** Settings that commands about data need: the store and the customers, without their origins and secrets. */
export interface DataSettings extends Pick<Settings, "redis"> {
  /** Level of the log, to which the audit belongs. */
  readonly operation: Pick<OperationSettings, "logLevel">;
  readonly customers: readonly DataCustomer[];
}

/** A customer as far as commands about data need it. */
type DataCustomer = v.InferOutput<typeof DataCustomer>;

const DataCustomer = v.object({
  id: CustomerId,
  upstream: v.optional(v.object({ kind: v.string("expected a text, such as memory") }), { kind: "memory" }),
});

const DataConfig = v.object({ customers: v.array(DataCustomer, "expected a list of customers") });

/** Variables of Redis that `NAME_FILE` may give the path of a file for. */
const SECRET_VARIABLES = REDIS_VARIABLES.filter(({ isSecret }) => isSecret).map(({ name }) => name);

/**
 * Reads the settings of the store and the ids of the customers. A machine without the customers' secrets has enough for it.
 *
 * @throws {SettingsError} if a value is bad, with one line per problem.
 */
export function readDataSettings(given: Environment, readFile: ReadFile = readTextFile): DataSettings {
  const problems: string[] = [];
  const { environment, unreadable } = resolveFiles(given, SECRET_VARIABLES, { readFile, problems });
  const redis = unreadable.size === 0 ? readRedisSettings(environment, problems, readFile) : undefined;
  const customers = readCustomers(environment, readFile, problems);
  const level = v.safeParse(OPERATION_VARIABLES.LOG_LEVEL, environment["LOG_LEVEL"] || undefined);
  if (!level.success) problems.push(`LOG_LEVEL: ${level.issues[0].message}`);
  if (!level.success || problems.length > 0) throw new SettingsError(problems.join("\n"));
  return { redis, customers, operation: { logLevel: level.output } };
}

function readCustomers(environment: Environment, readFile: ReadFile, problems: string[]): readonly DataCustomer[] {
  const path = environment["GATEWAY_CONFIG"];
  if (!path) return [{ id: DEMO_CUSTOMER, upstream: { kind: "memory" } }];
  const parsed = readConfig(path, readFile);
  if ("problem" in parsed) {
    problems.push(parsed.problem);
    return [];
  }
  const part = withoutSecrets(parsed.value);
  const own = resolveFiles(environment, findReferences(JSON.stringify(part)), { readFile, problems });
  const resolved = resolveReferences(part, { ...own, readFile });
  const result = v.safeParse(DataConfig, resolved.value);
  problems.push(...resolved.problems.map((problem) => `${path}: ${problem}`));
  for (const issue of result.issues ?? [])
    problems.push(`${path}: ${v.getDotPath(issue) ?? "the file"}: ${issue.message}`);
  return result.success ? result.output.customers : [];
}

function readConfig(path: string, readFile: ReadFile): ReturnType<typeof parseConfig> {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    return { problem: `GATEWAY_CONFIG: ${JSON.stringify(path)} ${describeReadError(error)}` };
  }
  const parsed = parseConfig(text);
  return "problem" in parsed ? { problem: `${path}: ${parsed.problem}` } : parsed;
}

const Loose = v.object({
  customers: v.array(v.object({ id: v.unknown(), upstream: v.optional(v.object({ kind: v.unknown() })) })),
});

/** Returns the part of a customers' file that is used, whose references alone have to be there. */
function withoutSecrets(value: unknown): unknown {
  const read = v.safeParse(Loose, value);
  return read.success ? read.output : value;
}
