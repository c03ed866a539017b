/** Rules about requests that the gateway answers. */
import * as v from "valibot";
import { Availability } from "../../../../shared/contracts/availability.ts";
import { type Outcome, type Rule, skip, toOutcome } from "../rule.ts";
import { findFaults, readCode, readSettlement, toText } from "../settlement-faults.ts";
import { ASK_123, AVAILABLE, type Desk, type DeskOptions, type WidgetBench } from "../widget-bench.ts";
import { NO_SCRIPT } from "./envelope.ts";

const TOKENS = ["conformance.token.1", "conformance.token.2"];

const MAX_IN_FLIGHT = 1_024;

type ScriptedDesk = Desk & { readonly site: NonNullable<Desk["site"]> };

/** Uses a page whose backend is the kit's, or skips the rule. */
async function withScript(
  bench: WidgetBench,
  options: DeskOptions,
  use: (desk: ScriptedDesk) => Promise<Outcome>,
): Promise<Outcome> {
  if (!(await bench.reachesScript())) return skip(NO_SCRIPT);
  return bench.withDesk(options, async ({ site, ...desk }) => (site ? use({ ...desk, site }) : skip(NO_SCRIPT)));
}

/** Rules about requests. */
export const requestRules: readonly Rule<WidgetBench>[] = [
  {
    id: "fetch-user",
    level: "must",
    sentence:
      "API.FETCH_USER_AVAILABILITY fulfils with an availability of the contract, or rejects with the backend's error.",
    section: "requests",
    check: (bench) =>
      bench.withDesk({}, async ({ post }) => {
        const [answer] = await post({ ...ASK_123, meta: { id: "fetch" } });
        if (!answer) return toOutcome([]);
        const faults = findFaults(ASK_123.type, answer, { type: ASK_123.type, id: "fetch" });
        if (readCode(answer) === "UNKNOWN_EVENT") return toOutcome([`The widget does not know ${ASK_123.type}`]);
        const settlement = readSettlement(answer);
        if (faults.length > 0 || settlement?.type !== `${ASK_123.type}_FULFILLED`) return toOutcome(faults);
        const { issues = [] } = v.safeParse(Availability, settlement.payload);
        return toOutcome(issues.map((issue) => `payload.${v.getDotPath(issue)}: expected ${issue.message}`));
      }),
  },
  {
    id: "gateway-call",
    level: "should",
    sentence:
      "For one agent the widget calls GET /v1/users/:userId/availability on its own origin, once for equal requests.",
    section: "the-call-to-the-gateway",
    check: (bench) =>
      withScript(bench, {}, async ({ post, site }) => {
        site.answerWith(AVAILABLE);
        await post(ASK_123, ASK_123, ASK_123);
        const calls = site.calls.map(({ method, path }) => `${method} ${path}`);
        const expected = "GET /v1/users/123/availability";
        return toOutcome(
          calls.join() === expected ? [] : [`Expected ${expected}, and came ${calls.join(", ") || "no call"}`],
        );
      }),
  },
  {
    id: "deadline",
    level: "must",
    sentence: "A request settles within its meta.timeoutMs, with BACKEND_TIMEOUT if the gateway says nothing.",
    section: "envelope",
    check: (bench) =>
      withScript(bench, { script: { hangs: true } }, async ({ post }) => {
        const [answer] = await post({ ...ASK_123, meta: { id: "late", timeoutMs: 700 } });
        if (!answer) return toOutcome([]);
        const faults = findFaults("a silent gateway", answer, {
          type: ASK_123.type,
          id: "late",
          code: "BACKEND_TIMEOUT",
        });
        // Above the timeout for a slow machine, and below the default of ten seconds.
        const isLate = answer.replies > 0 && answer.ms > 5_000;
        return toOutcome(
          isLate ? [...faults, `Expected a settlement after 700 ms, and it took ${Math.round(answer.ms)} ms`] : faults,
        );
      }),
  },
  {
    id: "cancel",
    level: "must",
    sentence: "BUS.CANCEL fulfils { cancelled: true }, and the request of that meta.id settles with ABORTED.",
    section: "requests",
    check: (bench) =>
      withScript(bench, { script: { hangs: true } }, async ({ post }) => {
        const cancel = { type: "BUS.CANCEL", payload: { id: "gone" }, meta: { id: "c" } };
        const [request, cancelled] = await post({ ...ASK_123, meta: { id: "gone", timeoutMs: 8_000 } }, cancel);
        if (!request || !cancelled || readCode(cancelled) === "UNKNOWN_EVENT")
          return skip("The widget does not know BUS.CANCEL.");
        const told = Object(readSettlement(cancelled)?.payload).cancelled;
        return toOutcome([
          ...findFaults("the cancelled request", request, { type: ASK_123.type, id: "gone", code: "ABORTED" }),
          ...findFaults("BUS.CANCEL", cancelled, { type: cancel.type, id: "c", isFulfilled: true }),
          ...(told === true
            ? []
            : [`Expected { cancelled: true }, and ${toText(readSettlement(cancelled)?.payload)} came`]),
        ]);
      }),
  },
  {
    id: "overloaded",
    level: "should",
    sentence: "Beyond 1,024 requests in flight a request settles with OVERLOADED.",
    section: "limits",
    check: (bench) =>
      withScript(bench, { script: { hangs: true } }, async ({ post }) => {
        const events = Array.from({ length: MAX_IN_FLIGHT + 1 }, (_, index) => ({
          ...ASK_123,
          meta: { id: `o${index}`, timeoutMs: 4_000 },
        }));
        const codes = (await post(...events)).map(readCode);
        const overloaded = codes.filter((code) => code === "OVERLOADED").length;
        return toOutcome(overloaded === 1 ? [] : [`Of 1,025 requests expected one OVERLOADED, and ${overloaded} came`]);
      }),
  },
  {
    id: "token-asked",
    level: "must",
    sentence: "The widget asks the page for its token before its first call, and sends it as Authorization: Bearer.",
    section: "requests-to-the-page",
    check: (bench) =>
      withScript(bench, { tokens: TOKENS }, async ({ page, post, site }) => {
        await post(ASK_123);
        const asked = await page.evaluate(() => window.conformance.readAsked());
        const [call] = site.calls;
        const sent = call?.headers.authorization;
        const faults: string[] = [];
        if (asked.length === 0) faults.push("Expected HOST.FETCH_TOKEN, and the widget did not ask");
        if (asked.some(({ hasIdOrTimeout }) => !hasIdOrTimeout)) {
          faults.push("Expected a meta.id or a meta.timeoutMs in HOST.FETCH_TOKEN, and it had neither");
        }
        if (sent !== `Bearer ${TOKENS[0]}`)
          faults.push(`Expected Authorization: Bearer ${TOKENS[0]}, and ${toText(sent)} came`);
        return toOutcome(faults);
      }),
  },
  {
    id: "token-forgotten",
    level: "must",
    sentence: "A new handshake makes the widget forget the token: another agent may be there.",
    section: "requests-to-the-page",
    check: (bench) =>
      withScript(bench, { tokens: TOKENS }, async ({ page, post, site }) => {
        await post(ASK_123);
        if (site.calls[0]?.headers.authorization === undefined) return skip("The widget sends no token.");
        site.answerWith(AVAILABLE);
        await page.evaluate(() => window.conformance.reconnect(false));
        await post(ASK_123);
        const sent = site.calls[0]?.headers.authorization;
        return toOutcome(
          sent === `Bearer ${TOKENS[1]}` ? [] : [`Expected the token of the next page, and ${toText(sent)} came`],
        );
      }),
  },
  {
    id: "token-in-no-address",
    level: "must",
    sentence: "No address that the widget asks for has the token in it.",
    section: "requests-to-the-page",
    check: (bench) =>
      withScript(bench, { tokens: TOKENS }, async ({ post, site }) => {
        await post(ASK_123, { type: "BUS.INIT", payload: { services: ["USER"] } });
        const leaks = site.addresses.filter((address) =>
          TOKENS.some((token) => decodeURIComponent(address).includes(token)),
        );
        return toOutcome(
          leaks.map((address) => `The token is in ${address.replaceAll(/conformance\.token\.\d/g, "…")}`),
        );
      }),
  },
  {
    id: "page-that-fails",
    level: "must",
    sentence: "What the page's method returns for an announcement is ignored: a page that fails hurts nobody.",
    section: "announcements",
    check: (bench) =>
      withScript(bench, { announcements: "throw" }, async ({ page, post, site }) => {
        const start = { type: "BUS.INIT", payload: { services: ["USER"] } };
        const [started] = await post(start);
        if (started && readCode(started) === "UNKNOWN_EVENT") return skip("The widget does not know BUS.INIT.");
        const change = (version: number) => ({
          event: "availability",
          id: `c${version}`,
          data: { userId: 123, status: "available", version, updatedAt: version },
        });
        site.stream([change(8), change(9)]);
        const isTold = page.waitForFunction(() => window.conformance.readAnnounced().length >= 2, null, {
          timeout: 10_000,
        });
        const faults = await isTold.then(
          () => [],
          () => ["Expected two announcements to a page whose method fails, and they did not come"],
        );
        const [answer] = await post({ type: "BUS.PING" });
        return toOutcome([...faults, ...(answer ? findFaults("BUS.PING", answer, { type: "BUS.PING" }) : [])]);
      }),
  },
];
