/**
 * Every function of the page that the built scripts call, replaced one at a time by a hostile version. What no page can go on
 * without is in a list here, and breaks aloud: by an error or a line in the console, or by a rejection that its caller sees.
 */
import { type ScriptedBackend, startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { test as base, expect } from "../fixtures/fixtures.ts";
import { defineHostility, type Hostility } from "../fixtures/hostile-natives.ts";
import {
  answerByAgent,
  defineScenario,
  SCENARIO_HOST,
  STEP_LIMIT_MS,
  scenarioPage,
} from "../fixtures/page-scenario.ts";

/**
 * Functions that the scripts need, by owner and by hostility. Every other function can be broken without any effect.
 */
const NEEDED: Readonly<Record<Hostility, Readonly<Record<string, string>>>> = {
  throws: {
    "": "AbortController CustomEvent Error HTMLElement IntersectionObserver Map MessageChannel MutationObserver Number Object Promise Proxy Set Symbol URL WeakMap WeakSet clearInterval clearTimeout queueMicrotask setInterval setTimeout",
    Array: "isArray",
    "Array.prototype":
      "[Symbol.iterator] concat filter find flat forEach includes join map pop push shift slice some sort splice",
    "Crypto.prototype": "randomUUID",
    "CustomElementRegistry.prototype": "define get",
    "DOMStringList.prototype": "[Symbol.iterator]",
    "DOMTokenList.prototype": "supports",
    Date: "now",
    "Document.prototype": "createElement createElementNS querySelector querySelectorAll",
    "DocumentFragment.prototype": "append replaceChildren",
    "Element.prototype":
      "append attachShadow closest getAttribute getAttributeNames hasAttribute removeAttribute setAttribute",
    "EventTarget.prototype": "addEventListener dispatchEvent removeEventListener",
    "Function.prototype": "bind",
    "Iterator.prototype": "[Symbol.iterator]",
    "Map.prototype": "[Symbol.iterator] clear delete get has keys set values",
    Math: "ceil floor max min random",
    "MessagePort.prototype": "close postMessage start",
    "MutationObserver.prototype": "disconnect observe takeRecords",
    "Node.prototype": "cloneNode getRootNode removeChild",
    "NodeList.prototype": "[Symbol.iterator]",
    Number: "isFinite isSafeInteger",
    Object: "assign create entries getOwnPropertyDescriptor getPrototypeOf keys values",
    "Performance.prototype": "now",
    "Promise.prototype": "catch then",
    "RegExp.prototype": "[Symbol.replace] exec test",
    "Set.prototype": "[Symbol.iterator] add clear delete forEach has",
    "String.prototype": "endsWith replace slice split startsWith toLowerCase toUpperCase",
    Symbol: "for",
    "URL.prototype": "toString",
    "URLSearchParams.prototype": "[Symbol.iterator]",
    "WeakSet.prototype": "add has",
    "WeakMap.prototype": "get set",
    "IntersectionObserver.prototype": "observe",
    "RegExp.prototype.[Symbol": "split]",
    Intl: "RelativeTimeFormat",
    JSON: "stringify",
    CSS: "supports",
  },
  "returns another kind": {
    "": "AbortController CustomEvent Error HTMLElement IntersectionObserver Map MessageChannel MutationObserver Number Object Promise Proxy Set URL WeakMap WeakSet",
    "Array.prototype": "[Symbol.iterator] concat filter flat join map slice sort splice",
    "Crypto.prototype": "randomUUID",
    "DOMStringList.prototype": "[Symbol.iterator]",
    "Document.prototype": "createElement createElementNS querySelector querySelectorAll",
    "Element.prototype": "attachShadow getAttributeNames",
    "Iterator.prototype": "[Symbol.iterator]",
    "Map.prototype": "[Symbol.iterator] get keys values",
    Math: "max",
    "Node.prototype": "cloneNode getRootNode",
    "NodeList.prototype": "[Symbol.iterator]",
    Object: "create entries getOwnPropertyDescriptor keys values",
    "Performance.prototype": "now",
    "Promise.prototype": "then",
    "RegExp.prototype": "exec",
    "Set.prototype": "[Symbol.iterator]",
    "String.prototype": "split",
    "URL.prototype": "toString",
    "URLSearchParams.prototype": "[Symbol.iterator]",
    "WeakMap.prototype": "get",
    "RegExp.prototype.[Symbol": "split]",
    Intl: "RelativeTimeFormat",
  },
};

/**
 * Functions that break a watch or a badge without a word. Without `keys` of a list only the status of a watch tells the
 * rejection. A `get` that always returns a value makes the badge seem defined, and with a `find` that finds nothing no
 * availability has a state. The results of `assign` and `slice` go to the document and to the widget unchecked.
 */
const SILENT: Readonly<Record<Hostility, readonly string[]>> = {
  throws: ["Array.prototype.keys"],
  "returns another kind": [
    "Array.prototype.find",
    "Array.prototype.keys",
    "CustomElementRegistry.prototype.get",
    "Object.assign",
    "String.prototype.slice",
  ],
};

/** Wait for what will not happen: the scenario of a silent function is not judged. */
const SILENT_LIMIT_MS = 2_000;

/** Number of scenarios at the same time. */
const CONCURRENCY = 8;

/**
 * Each of the scenarios at the same time has a backend. A browser opens six connections to a server, and a scenario has a stream and for a
 * moment an unanswered call: with one backend these could take all six from the reload that ends the call.
 */
const test = base.extend<{ readonly backends: readonly ScriptedBackend[] }>({
  backends: async ({ host }, use) => {
    const start = () =>
      startScriptedBackend({ answers: answerByAgent(), allowedOrigins: [host.origin], scriptsList: false });
    const backends = await Promise.all(Array.from({ length: CONCURRENCY }, start));
    await use(backends);
    await Promise.all(backends.map((backend) => backend.close()));
  },
});

function listNeeded(hostility: Hostility): readonly string[] {
  return Object.entries(NEEDED[hostility]).flatMap(([owner, names]) =>
    names.split(" ").map((name) => (owner ? `${owner}.${name}` : name)),
  );
}

for (const when of ["before", "after"] as const) {
  for (const hostility of ["throws", "returns another kind"] as const) {
    test(`a function that ${hostility} from ${when} the script is not needed, or its failure is seen @once`, async ({
      page,
      host,
      backends,
    }) => {
      test.setTimeout(180_000);
      const tagsOf = (origin: string): readonly string[] => [
        `<script crossorigin src="${origin}/embed.js"></script>`,
        `<script type="module">
          import { connect } from "/dist/index.js";
          import { defineAvailabilityBadge } from "/dist/badge.js";
          const connector = connect({ src: "${origin}/widget/" });
          defineAvailabilityBadge(connector);
          availabilityBridge[0](connector);
        </script>`,
      ];
      /** Addresses of the pages by backend: with the script tag, and with the package. */
      const addresses = backends.map(({ origin }) =>
        tagsOf(origin).map((tag) => host.serve(scenarioPage({ head: "", tag }))),
      );
      await page.goto(host.serve(SCENARIO_HOST));
      await page.evaluate(defineScenario, STEP_LIMIT_MS);
      await page.evaluate(defineHostility);
      /** The functions that the tag's page has called in a run without a fault. */
      const record = (address: string, id: number): Promise<readonly string[]> =>
        page.evaluate(
          async ([given, number, moment]) => {
            let readCalled = (): string[] => [];
            const { steps } = await window.runScenario(given, number, (realm, present) => {
              if (present === moment) readCalled = window.recordNatives(realm);
            });
            const faults = Object.entries(steps).filter(([, text]) => text !== "ok");
            if (faults.length) throw new Error(`${given}: ${faults.join()}`);
            return readCalled();
          },
          [address, id, when] as const,
        );
      const all: { native: string; tag: number; id: number }[] = [];
      for (const [tag, address] of (addresses[0] ?? []).entries()) {
        for (const native of await record(address, 5_000 + all.length)) {
          // The package calls hardly any function that the script tag does not.
          if (!all.some((known) => known.native === native)) all.push({ native, tag, id: 6_000 + all.length });
        }
      }
      expect(all.length).toBeGreaterThan(60);
      const silent = SILENT[hostility];
      const outcomes = await page.evaluate(
        async ([given, pages, moment, kind, silentOnes, silentLimitMs]) => {
          const left = [...given];
          const results: { native: string; fault: string; seen: number }[] = [];
          const work = async (addressesByTag: readonly string[]): Promise<void> => {
            for (let next = left.shift(); next; next = left.shift()) {
              const { native, tag, id } = next;
              const isSilent = silentOnes.includes(native);
              const { steps, errors, warnings } = await window.runScenario(
                addressesByTag[tag] ?? "",
                id,
                (realm, present) => {
                  if (present === moment) window.breakNative(realm, native, kind);
                },
                { stopsEarly: true, ...(isSilent && { limitMs: silentLimitMs }) },
              );
              const fault = Object.entries(steps).find(([, text]) => text !== "ok");
              const seen = errors.length + warnings.length;
              if (fault || seen) results.push({ native, fault: fault?.join() ?? "", seen });
            }
          };
          await Promise.all(pages.map(work));
          return results;
        },
        [all, addresses, when, hostility, silent, SILENT_LIMIT_MS] as const,
      );
      const needed = listNeeded(hostility);
      expect(outcomes.filter(({ native }) => !needed.includes(native) && !silent.includes(native))).toEqual([]);
      expect(
        outcomes.filter(({ native, fault, seen }) => !seen && /hangs|,no /.test(fault) && !silent.includes(native)),
      ).toEqual([]);
    });
  }
}
