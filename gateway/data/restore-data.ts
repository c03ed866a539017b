import { text } from "node:stream/consumers";
import { systemClock } from "../clock.ts";
import { type AgentState, isUnchanged } from "../store/agent.ts";
import type { CustomerStore } from "../store/availability-store.ts";
import { type AuditCommand, toFailureStatus } from "./command-audit.ts";
import type { DataCommand } from "./data-command.ts";
import { type ChangingCommandContext, type DataCommandContext, DataCommandError } from "./data-command-context.ts";
import { type ExportedAgent, parseExport } from "./export-format.ts";

type RestoreCommand = Extract<DataCommand, { readonly kind: "restore" }>;

/** Number of agents that are written at the same time. */
const AGENTS_AT_ONCE = 100;

/**
 * Sets the agents of a file by ordinary changes, which every gateway applies and every stream carries: each agent that
 * differs gets a new, higher version. Agents that are not in the file stay as they are.
 *
 * @throws {ExportFileError} if the file has a problem. Nothing was changed.
 * @throws {DataCommandError} if the file has a customer that is not in the settings. Nothing was changed.
 * @throws {StoreUnavailableError} if some agents may not be restored.
 */
export async function restoreData(
  { customer, isDryRun }: RestoreCommand,
  context: ChangingCommandContext,
): Promise<void> {
  const { store, input, print, audit } = context;
  const agents = parseExport(await text(input));
  const chosen = agents.filter((agent) => customer === undefined || agent.customer === customer);
  const customers = [...new Set(chosen.map((agent) => agent.customer))];
  assertConfigured(customers, context);
  if (chosen.length < agents.length) print(`Left out agents of other customers: ${agents.length - chosen.length}`);
  if (customer !== undefined && chosen.length === 0)
    throw new DataCommandError(`The file has no agent of customer ${customer}. Nothing was changed`);
  for (const id of customers) {
    const ofCustomer = chosen.filter((agent) => agent.customer === id);
    const count = await restoreCustomer(ofCustomer, { store: store.forCustomer(id), isDryRun, audit });
    const verb = isDryRun ? "Would restore" : "Restored";
    const unchanged = ofCustomer.length - count;
    print(`${verb} agents of customer ${id}: ${count}; unchanged: ${unchanged}`);
  }
}

function assertConfigured(customers: readonly string[], { settings, print }: DataCommandContext): void {
  const configured = new Map(settings.customers.map(({ id, upstream }) => [id, upstream.kind]));
  const unknown = customers.filter((id) => !configured.has(id));
  if (unknown.length > 0) {
    throw new DataCommandError(
      `customer: expected customers of the settings, came ${unknown.join(", ")}. Nothing was changed`,
    );
  }
  for (const id of customers) {
    if (configured.get(id) === "memory") continue;
    print(`Customer ${id} has the upstream ${configured.get(id)}, whose next poll replaces what is restored`);
  }
}

interface RestoreParts {
  readonly store: CustomerStore;
  readonly isDryRun: boolean;
  readonly audit: AuditCommand;
}

/** Restores a customer's agents. Resolves with the number of agents that differed from the file. */
async function restoreCustomer(
  agents: readonly ExportedAgent[],
  { store, isDryRun, audit }: RestoreParts,
): Promise<number> {
  const replica = await store.open(new AbortController().signal);
  const differing = agents.filter((agent) => {
    const current = replica.read(agent.userId);
    return !current || !isUnchanged(current, toState(agent), systemClock.monotonicMs());
  });
  if (isDryRun) return differing.length;
  for (let from = 0; from < differing.length; from += AGENTS_AT_ONCE) {
    const batch = differing.slice(from, from + AGENTS_AT_ONCE);
    const failures: unknown[] = [];
    const restoring = batch.map(async (agent) => {
      const from = replica.read(agent.userId)?.status;
      await restoreAgent(agent, { store, audit, from }).catch((error: unknown) => failures.push(error));
    });
    // Each agent of the batch has its audit line before the command fails.
    await Promise.all(restoring);
    if (failures.length > 0) throw failures[0];
  }
  return differing.length;
}

async function restoreAgent(
  agent: ExportedAgent,
  { store, audit, from }: Omit<RestoreParts, "isDryRun"> & { readonly from: string | undefined },
): Promise<void> {
  const { customer, userId, status: requested } = agent;
  try {
    const { status: to, version } = await store.set(userId, toState(agent));
    audit({ customer, userId, status: from === undefined ? 201 : 200, from, requested, to, version });
  } catch (error) {
    audit({ customer, userId, status: toFailureStatus(error), from, requested });
    throw error;
  }
}

function toState({ status, wrapUp }: ExportedAgent): AgentState {
  if (!wrapUp) return { status };
  const { configuredSeconds } = wrapUp;
  const leftSeconds = Math.ceil((Date.parse(wrapUp.endsAt) - systemClock.wallMs()) / 1000);
  return { status, wrapUp: { configuredSeconds, leftSeconds: Math.min(configuredSeconds, Math.max(0, leftSeconds)) } };
}
