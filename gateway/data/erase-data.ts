import { createInterface } from "node:readline/promises";
import { CommandLineError } from "../command-line.ts";
import { toFailureStatus } from "./command-audit.ts";
import type { DataCommand } from "./data-command.ts";
import { type ChangingCommandContext, type DataCommandContext, DataCommandError } from "./data-command-context.ts";
import { assertKnownCustomer } from "./known-customer.ts";

type EraseCommand = Extract<DataCommand, { readonly kind: "erase" }>;

/**
 * Erases a customer's data or single users of it, and prints what was erased. Asks for the customer's id first if a
 * person is at a terminal.
 *
 * @throws {DataCommandError} if the person does not confirm, or for a customer that neither the settings nor the store have.
 * @throws {CommandLineError} without a confirmation, and without a terminal to ask at.
 * @throws {StoreUnavailableError} if something may not be erased.
 */
export async function eraseData(command: EraseCommand, context: ChangingCommandContext): Promise<void> {
  const { customer, userIds } = command;
  const { print } = context;
  await assertKnownCustomer(customer, context);
  for (const line of describeSources(customer, context)) print(line);
  if (!command.isConfirmed) await confirm(command, context);
  const erased = await erase(command, context);
  const missing = userIds?.filter((userId) => !erased.includes(userId)) ?? [];
  const list = erased.length === 0 ? "" : `: ${[...erased].sort((a, b) => a - b).join(", ")}`;
  const scope = userIds ? "" : ", and all other data of the customer";
  print(`Erased ${erased.length} ${erased.length === 1 ? "user" : "users"} of customer ${customer}${list}${scope}`);
  if (missing.length > 0) print(`Not stored: ${missing.join(", ")}`);
}

/** Erases, and writes an audit line about each user or about the whole customer. Resolves with the erased users. */
async function erase(
  { customer, userIds }: EraseCommand,
  { store, audit }: ChangingCommandContext,
): Promise<readonly number[]> {
  try {
    const erased = await store.forCustomer(customer).erase(userIds);
    if (!userIds) audit({ customer, users: erased.length, status: 200 });
    for (const userId of userIds ?? []) audit({ customer, userId, status: erased.includes(userId) ? 200 : 404 });
    return erased;
  } catch (error) {
    for (const userId of userIds ?? [undefined]) audit({ customer, userId, status: toFailureStatus(error) });
    throw error;
  }
}

/** Lines about what brings erased data back. */
function describeSources(customer: string, { settings }: DataCommandContext): readonly string[] {
  const configured = settings.customers.find(({ id }) => id === customer);
  if (!configured) return [];
  if (configured.upstream.kind === "memory")
    return [`Customer ${customer} is in the settings, and goes on without the erased users`];
  return [
    `Customer ${customer} is in the settings with the upstream ${configured.upstream.kind}: the next poll adds again ` +
      "whom the telephony system still has. Remove the users there, or the customer from the settings, first",
  ];
}

async function confirm({ customer, userIds }: EraseCommand, { input, print }: DataCommandContext): Promise<void> {
  if (!input.isTTY) throw new CommandLineError("Without a terminal to ask at, erase needs --yes. Nothing was erased");
  const what = userIds ? `users ${userIds.join(", ")} of customer ${customer}` : `all data of customer ${customer}`;
  print(`This erases ${what}, at every gateway. It cannot be undone. Type the customer's id to go on:`);
  const lines = createInterface({ input });
  try {
    const answer = await Promise.race([
      lines.question(""),
      new Promise<string>((resolve) => lines.once("close", () => resolve(""))),
    ]);
    if (answer.trim() !== customer) throw new DataCommandError("Nothing was erased");
  } finally {
    lines.close();
  }
}
