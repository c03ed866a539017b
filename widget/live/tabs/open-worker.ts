// oxlint-disable-next-line import/default -- vite makes a module of it that exports the address.
import workerUrl from "../../stream-worker.ts?sharedworker&url";
import type { StreamWorker } from "./leader-by-worker.ts";

/** What is used of `window.trustedTypes`, which not every browser has. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(): string }): { createScriptURL(input: string): string };
}

let readAddress: (() => string) | undefined;

/**
 * Opens the shared worker of this name, which is the same one in all tabs.
 *
 * The document's policy makes no script's address of a text but by this one rule, which makes the worker's and no other. A
 * document may set a rule up once.
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
