/** The golden vectors as rules: one for the exchanges and one for the conversations of each file. */
import { isDeepStrictEqual } from "node:util";
import { type Outcome, type Rule, skip, toOutcome } from "../rule.ts";
import type { ScriptedSite } from "../scripted-site.ts";
import { findFaults, readCode, readSettlement, toText } from "../settlement-faults.ts";
import {
  type Conversation,
  type Exchange,
  toComparable,
  toComparableAnnouncement,
  toToken,
  type VectorFile,
} from "../vectors.ts";
import type { Desk, WidgetBench } from "../widget-bench.ts";
import { NO_SCRIPT } from "./envelope.ts";

/** Events that end any state of an exchange. */
const NOTHING_WANTED = [
  { type: "API.WATCH_AVAILABILITIES", payload: { variables: { userIds: [] } } },
  { type: "BUS.DESTROY", payload: { services: ["USER"] } },
];

/** Timeout of a conversation's announcements, in milliseconds. */
const ANNOUNCED_MS = 10_000;

/** Creates the rules for all vectors. */
export function createVectorRules(files: readonly VectorFile[]): readonly Rule<WidgetBench>[] {
  return files.flatMap((file) => {
    const name = file.file.replace(/\.json$/, "");
    const exchanges: Rule<WidgetBench> = {
      id: `vectors/${name}`,
      level: "must",
      sentence: `The widget settles the ${file.cases.length} golden exchanges of ${file.file} as given.`,
      section: "golden-vectors",
      check: (bench) => checkExchanges(bench, file),
    };
    const conversations: Rule<WidgetBench> = {
      id: `announced/${name}`,
      level: "must",
      sentence: `The widget announces what the ${file.conversations.length} golden conversations of ${file.file} give, in that order.`,
      section: "golden-vectors",
      check: (bench) => checkConversations(bench, file),
    };
    return [...(file.cases.length > 0 ? [exchanges] : []), ...(file.conversations.length > 0 ? [conversations] : [])];
  });
}

/** Result of one vector. An unknown event is not a fault. */
type Verdict = { readonly isKnown: false } | { readonly isKnown: true; readonly faults: readonly string[] };

const UNKNOWN: Verdict = { isKnown: false };

async function checkExchanges(bench: WidgetBench, { cases }: VectorFile): Promise<Outcome> {
  const isScripted = await bench.reachesScript();
  const tried = cases.filter(({ backend }) => isScripted || backend === null);
  const verdicts = await bench.withDesk({ script: null }, async (desk) => {
    const all: Verdict[] = [];
    for (const exchange of tried) {
      all.push(await checkExchange(desk, exchange, exchange.name, NOTHING_WANTED));
    }
    return all;
  });
  return toVectorOutcome(verdicts, cases.length - tried.length);
}

async function checkConversations(bench: WidgetBench, { conversations }: VectorFile): Promise<Outcome> {
  if (!(await bench.reachesScript())) return skip(NO_SCRIPT);
  const verdicts: Verdict[] = [];
  for (const conversation of conversations) verdicts.push(await checkConversation(bench, conversation));
  return toVectorOutcome(verdicts, 0);
}

function toVectorOutcome(verdicts: readonly Verdict[], untried: number): Outcome {
  const known = verdicts.flatMap((verdict) => (verdict.isKnown ? [verdict.faults] : []));
  if (known.length === 0) return skip(untried > 0 ? NO_SCRIPT : "The widget does not know this event.");
  const note = untried > 0 ? `without ${untried} that need the kit's backend` : undefined;
  return toOutcome(known.flat(), note);
}

async function checkExchange(
  { postAny, site }: Desk,
  exchange: Exchange,
  name: string,
  following: readonly object[] = [],
): Promise<Verdict> {
  const { event, backend, asked, settlement } = exchange;
  site?.answerWith(backend);
  const answer = await postAny(event, following);
  if (readCode(answer) === "UNKNOWN_EVENT" && !isDeepStrictEqual(readErrorCode(settlement), "UNKNOWN_EVENT"))
    return UNKNOWN;
  const { type } = settlement;
  const base = type.replace(/_(?:FULFILLED|REJECTED)$/, "");
  const id = settlement.meta?.["id"];
  const faults = findFaults(name, answer, { type: base, id: typeof id === "string" ? id : undefined });
  if (faults.length > 0) return { isKnown: true, faults };
  const came = toComparable(readSettlement(answer));
  const wanted = toComparable(settlement);
  if (!isDeepStrictEqual(came, wanted)) {
    return { isKnown: true, faults: [`${name}: expected ${toText(wanted)}, and ${toText(came)} came`] };
  }
  return { isKnown: true, faults: site ? await findCallFaults(site, name, { backend, asked }) : [] };
}

function readErrorCode({ payload }: Exchange["settlement"]): unknown {
  return Object(Object(payload).error).code;
}

async function findCallFaults(
  { calls }: ScriptedSite,
  name: string,
  { backend, asked }: Pick<Exchange, "backend"> & { readonly asked: Exchange["asked"] },
): Promise<readonly string[]> {
  const expected = backend === null ? 0 : Array.isArray(backend) ? backend.length : undefined;
  if (expected !== undefined && calls.length !== expected) {
    return [`${name}: expected ${expected} calls to the gateway, and ${calls.length} came`];
  }
  if (!asked) return [];
  const came = await Promise.all(
    calls.map(async ({ method, path, body }) => {
      const sent = await body;
      return { method, path, ...(sent && { body: JSON.parse(sent) }) };
    }),
  );
  return isDeepStrictEqual(came, asked)
    ? []
    : [`${name}: expected the calls ${toText(asked)}, and ${toText(came)} came`];
}

function checkConversation(bench: WidgetBench, conversation: Conversation): Promise<Verdict> {
  const { name, tokens, exchanges, stream, announced } = conversation;
  return bench.withDesk({ script: null, tokens: tokens.map(toToken) }, async (desk) => {
    const { page, site } = desk;
    if (!Array.isArray(stream)) site?.refuseStream(stream);
    for (const exchange of exchanges) {
      const verdict = await checkExchange(desk, exchange, name);
      if (!verdict.isKnown || verdict.faults.length > 0) return verdict;
    }
    if (Array.isArray(stream)) site?.stream(stream);
    const readAnnounced = async () =>
      (await page.evaluate(() => window.conformance.readAnnounced())).map(toComparableAnnouncement);
    const end = performance.now() + ANNOUNCED_MS;
    let came = await readAnnounced();
    while (!isDeepStrictEqual(came, announced) && performance.now() < end) {
      await page.waitForTimeout(20);
      came = await readAnnounced();
    }
    const isEqual = isDeepStrictEqual(came, announced);
    const fault = `${name}: expected the announcements ${toText(announced)}, and ${toText(came)} came`;
    return { isKnown: true, faults: isEqual ? [] : [fault] };
  });
}
