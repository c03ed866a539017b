/** Sends the page's requests, aborts some, and checks the requests that have to settle at once. */
import { type Connector, isBusError } from "../../../host/index.ts";
import { setOwnTimeout } from "./leak-counters.ts";
import type { Ask, RequestReport, Slot } from "./report.ts";
import { type Entry, ledger, openAccount, outcomeOf, outcomeOfError, toEvent } from "./request-log.ts";

/** Requests that did not settle when they had to, a sentence each. */
export const problems: string[] = [];

let count = 0;

/** Sends a request and resolves with the outcome. */
export async function askOne(connector: Connector, slot: Slot, ask: Ask): Promise<string> {
  count += 1;
  const { key, event } = toEvent(ask, count);
  const { report } = openAccount(key, slot, ask, connector);
  const reason = new Error("The chaos aborts");
  const options = { timeoutMs: ask.lifeMs, ...withAbort(ask, report, reason) };
  const outcome = ask.isNamed
    ? outcomeOf(await connector.dispatch(event, options))
    : await connector.request(event.type as never, event.payload as never, options).then(
        () => "FULFILLED",
        (error) => (error === reason ? "ABORTED" : isBusError(error) ? outcomeOfError(error) : `threw ${error}`),
      );
  report.resolved = [...report.resolved, outcome];
  return outcome;
}

function withAbort({ abortAfterMs }: Ask, report: RequestReport, reason: Error): { signal?: AbortSignal } {
  if (abortAfterMs === undefined) return {};
  if (abortAfterMs === 0) return { signal: AbortSignal.abort(reason) };
  const controller = new AbortController();
  setOwnTimeout(() => {
    controller.abort(reason);
    if (report.settledAt === undefined) problems.push(`${report.key} was not settled by its caller's abort`);
  }, abortAfterMs);
  return { signal: controller.signal };
}

/** Records of a connector's in-flight requests. */
export function inFlightOf(slot: Slot): Entry[] {
  return Array.from(ledger.values()).filter(({ report }) => report.slot === slot && report.settledAt === undefined);
}

/** Reports the requests that have not settled by now as problems. */
export function mustHaveSettled(what: string, entries: readonly Entry[]): void {
  for (const { report } of entries) {
    if (report.settledAt === undefined) problems.push(`${report.key} was not settled by ${what}`);
  }
}
