import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { systemClock } from "../clock.ts";
import type { StoredAgent } from "../store/agent.ts";
import type { Replica } from "../store/replica.ts";
import type { DataCommand } from "./data-command.ts";
import type { DataCommandContext } from "./data-command-context.ts";
import { type ExportedAgent, formatExport } from "./export-format.ts";
import { assertKnownCustomer } from "./known-customer.ts";

type ExportCommand = Extract<DataCommand, { readonly kind: "export" }>;

/**
 * Writes the agents of a customer, or of all customers in the settings. Each customer's agents are those of one moment.
 *
 * @throws {DataCommandError} for a customer that neither the settings nor the store have.
 * @throws {StoreUnavailableError} if a customer cannot be read.
 */
export async function exportData({ customer }: ExportCommand, context: DataCommandContext): Promise<void> {
  const { store, settings, output, print } = context;
  if (customer !== undefined) await assertKnownCustomer(customer, context);
  const customers = customer === undefined ? settings.customers.map(({ id }) => id) : [customer];
  const agents: ExportedAgent[] = [];
  for (const id of customers) {
    const replica = await store.forCustomer(id).open(new AbortController().signal);
    agents.push(...toExportedAgents(id, replica));
    for (const userId of replica.unreadable())
      print(`User ${userId} of customer ${id} cannot be read, and is left out`);
  }
  const lines = formatExport(agents, systemClock.wallMs());
  await pipeline(Readable.from(withLineFeeds(lines)), output, { end: false });
  print(`Exported ${agents.length} ${agents.length === 1 ? "agent" : "agents"}`);
}

function* toExportedAgents(customer: string, replica: Replica): Generator<ExportedAgent> {
  for (const agent of replica.agents()) yield toExportedAgent(customer, agent);
}

function toExportedAgent(customer: string, { userId, status, version, updatedAt, wrapUp }: StoredAgent): ExportedAgent {
  const exported = { customer, userId, status, version, updatedAt: new Date(updatedAt).toISOString() };
  if (!wrapUp) return exported;
  const endsAt = systemClock.wallMs() + Math.round(wrapUp.endsAtMs - systemClock.monotonicMs());
  return {
    ...exported,
    wrapUp: { configuredSeconds: wrapUp.configuredSeconds, endsAt: new Date(endsAt).toISOString() },
  };
}

function* withLineFeeds(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}
