import { readConfig } from "./config-file.ts";
import type { CustomerSettings } from "./customer-settings.ts";
import { findReferences } from "./references.ts";
import { describeReadError, type ReadFile, type ResolvedEnvironment, resolveFiles } from "./secret-files.ts";

/** Customers of a file, with the names of the variables that the file refers to. */
export interface CustomersFile {
  /** Absent if the file has a problem. */
  readonly config: ConfiguredCustomers | undefined;
  readonly references: readonly string[];
}

/** Valid customers of a file. */
export interface ConfiguredCustomers {
  readonly customers: readonly CustomerSettings[];
  readonly defaultCustomer: string;
  /** Origin of each value by its path. Defaults are left out. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Reads the file in `GATEWAY_CONFIG`, and the files of secrets that it refers to. Adds a line to `problems` for each problem;
 * `undefined` if the file cannot be read.
 */
export function readCustomersFile(
  own: ResolvedEnvironment,
  readFile: ReadFile,
  problems: string[],
): CustomersFile | undefined {
  const path = own.environment["GATEWAY_CONFIG"] ?? "";
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    problems.push(`GATEWAY_CONFIG: ${JSON.stringify(path)} ${describeReadError(error)}`);
    return undefined;
  }
  const references = findReferences(text);
  const { environment, files } = resolveFiles(own.environment, references, { readFile, problems });
  const read = readConfig(text, environment, { files, readFile });
  if ("problems" in read) {
    problems.push(...read.problems.map((problem) => `${path}: ${problem}`));
    return { config: undefined, references };
  }
  const { customers, defaultCustomer = customers[0]?.id ?? "" } = read.config;
  return { config: { customers, defaultCustomer, origins: read.origins }, references };
}
