// oxlint-disable-next-line import/default -- vite makes a module of it that exports the address.
import workerUrl from "../../stream-worker.ts?sharedworker&url";
import type { StreamWorker } from "./shared-worker-election.ts";

/** The parts of `window.trustedTypes` in use. Not every browser has the API. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(): string }): { createScriptURL(input: string): string };
}

let readAddress: (() => string) | undefined;

/**
 * Opens the shared worker of this name, which all tabs share.
 *
 * The document's CSP allows a script address only from this trusted-types policy, which returns the worker's address
 * and no other. A document can create the policy only once.
 */
export function openStreamWorker(name: string): StreamWorker {
  readAddress ??= createAddressReader();
  return new SharedWorker(readAddress(), { type: "module", name });
}

function createAddressReader(): () => string {
  const rules = { createScriptURL: () => workerUrl };
  const trusted: TrustedTypes | undefined = Reflect.get(globalThis, "trustedTypes");
  const policy = trusted?.createPolicy("stream-worker", rules) ?? rules;
  return () => policy.createScriptURL("");
}
