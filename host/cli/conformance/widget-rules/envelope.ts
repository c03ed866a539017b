/** Rules about events and their settlements. */
import { type Outcome, type Rule, skip, toOutcome } from "../rule.ts";
import { findFaults, readCode, readSettlement, toText } from "../settlement-faults.ts";
import { ASK_123, type Desk, type WidgetBench } from "../widget-bench.ts";

const UNKNOWN = "CONFORMANCE.UNKNOWN";

/** Values without an event's form. */
const NO_EVENTS = [null, 7, true, "BUS.PING", [], {}, { type: 7 }, { type: null }, [{ type: "BUS.PING" }]];

/** Names of inherited properties. */
const INHERITED = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];

/** Values of `meta` that make a request invalid. */
const BAD_METAS: readonly unknown[] = [
  "a1",
  7,
  null,
  ["a1"],
  { id: "" },
  { id: "i".repeat(65) },
  { id: 7 },
  { timeoutMs: 0 },
  { timeoutMs: 120_001 },
  { timeoutMs: 1.5 },
  { timeoutMs: "500" },
];

/** Payloads that a request for one agent does not have. */
const BAD_PAYLOADS: readonly unknown[] = [
  undefined,
  null,
  {},
  { userId: 123 },
  { variables: {} },
  { variables: { userId: "123" } },
  { variables: { userId: 0 } },
  { variables: { userId: 1.5 } },
  { variables: { userId: 123, name: "Ann" } },
  { variables: { userId: 123 }, more: true },
];

/** Valid values of `meta` with unknown or malformed optional keys. */
const IGNORED_METAS = [
  { id: "m1", later: { release: 9 } },
  { id: "m2", traceparent: "no trace" },
  { id: "m3", traceparent: 7 },
  { id: "m4", hasToken: "maybe", look: 7 },
];

async function postEach(
  { post }: Pick<Desk, "post">,
  events: readonly object[],
  code?: string,
): Promise<readonly string[]> {
  const answers = await post(...events);
  return events.flatMap((event, index) => {
    const answer = answers[index];
    const { type, meta } = Object(event);
    const id = typeof meta?.id === "string" && meta.id.length >= 1 && meta.id.length <= 64 ? meta.id : undefined;
    return answer ? findFaults(toText(event), answer, { type, id, ...(code !== undefined && { code }) }) : [];
  });
}

/** Posts an invalid request and looks for the field's path. */
async function checkIssues(bench: WidgetBench): Promise<Outcome> {
  return bench.withDesk({}, async ({ post }) => {
    const event = { ...ASK_123, payload: { variables: { userId: "123" } } };
    const [answer] = await post(event);
    const error = Object(Object(answer && readSettlement(answer)?.payload).error);
    const paths = [error.issues].flat().map((issue) => Object(issue).path);
    if (paths.includes("payload.variables.userId")) return toOutcome([]);
    return toOutcome([
      `${toText(event)}: expected an issue of the path payload.variables.userId, and came ${toText(error)}`,
    ]);
  });
}

/** Rules about the envelope. */
export const envelopeRules: readonly Rule<WidgetBench>[] = [
  {
    id: "one-settlement",
    level: "must",
    sentence: "Each call of post resolves with exactly one settlement, also when many are in flight.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({}, async (desk) => {
        const events = Array.from({ length: 60 }, (_, index) => ({
          type: ["BUS.PING", UNKNOWN, "BUS.CANCEL"][index % 3] ?? UNKNOWN,
          ...(index % 3 === 2 && { payload: { id: "nobody" } }),
          meta: { id: `n${index}` },
        }));
        const faults = await postEach(desk, events);
        // Time for a second settlement.
        await desk.page.waitForTimeout(300);
        const most = await desk.page.evaluate(() => window.conformance.countMostReplies());
        return toOutcome(most > 1 ? [...faults, `Expected one reply to each call, and ${most} came`] : faults);
      }),
  },
  {
    id: "never-rejects",
    level: "must",
    sentence: "What is no event settles as BUS.INVALID_EVENT_REJECTED with INVALID_REQUEST, and the widget goes on.",
    section: "envelope",
    check: (bench) =>
      bench.withDesk({}, async ({ postAny }) => {
        const faults: string[] = [];
        for (const value of NO_EVENTS) {
          const expected = { type: "BUS.INVALID_EVENT", code: "INVALID_REQUEST" };
          faults.push(...findFaults(toText(value), await postAny(value), expected));
        }
        const ping = { type: "BUS.PING" };
        return toOutcome([...faults, ...findFaults("BUS.PING after them", await postAny(ping), ping)]);
      }),
  },
  {
    id: "echoed-id",
    level: "must",
    sentence: "A settlement has the meta.id of its request, of 1 to 64 characters.",
    section: "envelope",
    check: (bench) =>
      bench.withDesk({}, async (desk) => {
        const ids = ["a", "i".repeat(64), "ü ✓", "0", "constructor"];
        const events = ids.flatMap((id) =>
          [ASK_123, { type: "BUS.PING" }, { type: UNKNOWN }].map((event) => ({ ...event, id })),
        );
        return toOutcome(
          await postEach(
            desk,
            events.map(({ id, ...event }, index) => ({
              ...event,
              meta: { id: index < 3 ? id : `${id}${index}`.slice(-64) },
            })),
          ),
        );
      }),
  },
  {
    id: "no-id-without-one",
    level: "must",
    sentence: "The settlement of a request without a meta.id has none.",
    section: "envelope",
    check: (bench) =>
      bench.withDesk({}, async (desk) =>
        toOutcome(await postEach(desk, [ASK_123, { type: "BUS.PING", meta: {} }, { type: UNKNOWN }])),
      ),
  },
  {
    id: "unknown-event",
    level: "must",
    sentence:
      "An event that the widget does not know settles as its own _REJECTED with UNKNOWN_EVENT, a settlement included.",
    section: "envelope",
    check: (bench) =>
      bench.withDesk({}, async (desk) => {
        const types = [
          UNKNOWN,
          "",
          "api.fetch_user_availability",
          `${ASK_123.type}_FULFILLED`,
          "HOST.FETCH_TOKEN",
          ...INHERITED,
        ];
        const events = types.map((type, index) => ({ type, meta: { id: `u${index}` } }));
        return toOutcome(await postEach(desk, events, "UNKNOWN_EVENT"));
      }),
  },
  {
    id: "invalid-meta",
    level: "must",
    sentence: "A meta that is no object, and an id or a timeout beyond its limits, settle with INVALID_REQUEST.",
    section: "envelope",
    check: (bench) =>
      bench.withDesk({}, async (desk) =>
        toOutcome(
          await postEach(
            desk,
            BAD_METAS.map((meta) => ({ ...ASK_123, meta })),
            "INVALID_REQUEST",
          ),
        ),
      ),
  },
  {
    id: "ignored-meta",
    level: "must",
    sentence: "Unknown keys of meta, and a malformed traceparent, are ignored.",
    section: "envelope",
    check: (bench) =>
      bench.withDesk({}, async ({ post }) => {
        const events = IGNORED_METAS.map((meta) => ({ ...ASK_123, meta }));
        const answers = await post(...events);
        const faults = events.flatMap((event, index) => {
          const answer = answers[index];
          if (!answer) return [];
          const isInvalid = readCode(answer) === "INVALID_REQUEST";
          if (isInvalid)
            return [`${toText(event)}: expected no INVALID_REQUEST, and ${toText(readSettlement(answer))} came`];
          return findFaults(toText(event), answer, { type: event.type, id: event.meta.id });
        });
        return toOutcome(faults);
      }),
  },
  {
    id: "invalid-payload",
    level: "must",
    sentence: "A payload has the contract's keys exactly; every other settles with INVALID_REQUEST.",
    section: "envelope",
    check: (bench) =>
      bench.withDesk({}, async (desk) => {
        const events = BAD_PAYLOADS.map((payload, index) => ({
          type: ASK_123.type,
          payload,
          meta: { id: `p${index}` },
        }));
        return toOutcome(await postEach(desk, events, "INVALID_REQUEST"));
      }),
  },
  {
    id: "issues-named",
    level: "should",
    sentence: "An INVALID_REQUEST names each field in issues, by its path.",
    section: "envelope",
    check: checkIssues,
  },
  {
    id: "json-alone",
    level: "must",
    sentence: "A value that JSON lacks (a date, a map, NaN, a BigInt, a cycle) settles with INVALID_REQUEST.",
    section: "limits",
    check: (bench) =>
      bench.withDesk({}, async ({ page }) => {
        const names = ["date", "map", "nan", "bigint", "cycle", "bytes"];
        const answers = await page.evaluate(async (each) => {
          const cycle: { userId?: unknown } = {};
          cycle.userId = cycle;
          const values: Readonly<Record<string, unknown>> = {
            date: new Date(0),
            map: new Map([["userId", 123]]),
            nan: Number.NaN,
            bigint: BigInt(123),
            cycle,
            bytes: new Uint8Array(4),
          };
          const type = "API.FETCH_USER_AVAILABILITY";
          return Promise.all(
            each.map((name) =>
              window.conformance.postValue({ type, payload: { variables: { userId: values[name] } } }, 10_000),
            ),
          );
        }, names);
        const expected = { type: ASK_123.type, code: "INVALID_REQUEST" };
        return toOutcome(
          names.flatMap((name, index) => (answers[index] ? findFaults(name, answers[index], expected) : [])),
        );
      }),
  },
  {
    id: "request-limits",
    level: "must",
    sentence: "More than 64 KiB, or more than 32 levels, settle with INVALID_REQUEST; 32 levels do not.",
    section: "limits",
    check: (bench) =>
      bench.withDesk({}, async ({ page }) => {
        const kinds = ["long", "deepest", "deep"] as const;
        const faults: string[] = [];
        for (const kind of kinds) {
          const answer = await page.evaluate((each) => window.conformance.postHuge(each, 10_000), kind);
          const what = { long: "64 KiB of text in a request", deepest: "33 levels", deep: "32 levels" }[kind];
          const code = kind === "deep" ? "UNKNOWN_EVENT" : "INVALID_REQUEST";
          faults.push(...findFaults(what, answer, { type: UNKNOWN, code }));
        }
        return toOutcome(faults);
      }),
  },
  {
    id: "id-in-flight",
    level: "should",
    sentence: "A request whose meta.id is in flight already settles with INVALID_REQUEST, and the first one goes on.",
    section: "envelope",
    async check(bench) {
      if (!(await bench.reachesScript())) return skip(NO_SCRIPT);
      return bench.withDesk({ script: { hangs: true } }, async ({ post }) => {
        const event = { ...ASK_123, meta: { id: "twice", timeoutMs: 1_000 } };
        const codes = (await post(event, event)).map(readCode);
        if (codes.includes("INVALID_REQUEST") && codes.includes("BACKEND_TIMEOUT")) return toOutcome([]);
        return toOutcome([
          `Two requests of one id: expected INVALID_REQUEST and BACKEND_TIMEOUT, and came ${codes.join(" and ")}`,
        ]);
      });
    },
  },
];

/** Reason to skip a rule about the gateway's answers. */
export const NO_SCRIPT =
  "The widget's calls to its gateway do not reach the kit's, so the kit cannot say what it answers.";
