// oxlint-disable-next-line import/default -- vite makes a module of it that exports the address.
import workerUrl from "../../stream-worker.ts?sharedworker&url";
import type { StreamWorker } from "./worker-feed.ts";

/** The parts of `window.trustedTypes` in use. Not every browser has the API. */
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy;
}

type ScriptPolicy = { createScriptURL(input: string): string };

const rules: ScriptPolicy = { createScriptURL: () => workerUrl };
let policy: ScriptPolicy | undefined;

/**
 * Opens the shared worker of this name, which all tabs of the same build share: another build has another address.
 *
 * The document's CSP allows a script address only from this trusted-types policy, which returns the worker's address
 * and no other. A document can create the policy only once.
 */
export function openStreamWorker(name: string): StreamWorker {
  const trusted: TrustedTypes | undefined = Reflect.get(globalThis, "trustedTypes");
  policy ??= trusted?.createPolicy("stream-worker", rules) ?? rules;
  return new SharedWorker(policy.createScriptURL(""), { type: "module", name });
}
