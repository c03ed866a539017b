/** Entry of the doctor's file, loaded for a script tag with `data-doctor`: writes the report into the page's console. */

import { DEBUG_HOOK, type TagRecords } from "./debug.ts";
import { collectViolations, examine } from "./doctor/examine.ts";
import { findPageFaults } from "./doctor/page-faults.ts";
import { printReport } from "./doctor/print-report.ts";
import type {} from "./embed.ts";
import { createTokenFetcher } from "./token/fetch-token-from-url.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

const shared: Record<symbol, TagRecords | undefined> = globalThis;

window.availabilityBridge?.push(async (connector) => {
  const tag = shared[Symbol.for(DEBUG_HOOK)]?.[4];
  if (!tag) return;
  const src = new URL("./widget/", tag.src);
  const { tokenUrl } = tag.dataset;
  const address = window.location.href;
  const report = await examine(
    {
      connector,
      src,
      fetchToken: tokenUrl === undefined ? undefined : createTokenFetcher(tokenUrl, address),
      isTokenKnown: true,
      tokenAddress: tokenUrl === undefined ? undefined : new URL(tokenUrl, address),
      pageFaults: findPageFaults(src),
      timeoutMs: DEFAULT_TIMEOUT_MS,
    },
    collectViolations(src.origin),
  );
  printReport(report, src);
});
