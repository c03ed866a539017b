/** Rules about the connection and about allowed pages. */
import { type Outcome, type Rule, skip, toOutcome } from "../rule.ts";
import { findFaults, readSettlement, toText } from "../settlement-faults.ts";
import type { Desk, WidgetBench } from "../widget-bench.ts";
import type { Arrival } from "../wire.ts";

const PING = { type: "BUS.PING" };

/** Time to receive forbidden messages, in milliseconds. */
const SILENCE_MS = 2_500;

/** Accepts any reply: other rules compare settlements. */
async function checkAlive({ post }: Pick<Desk, "post">, when: string): Promise<readonly string[]> {
  const [answer] = await post(PING);
  return answer && answer.replies > 0 ? [] : [`BUS.PING ${when}: expected an answer, and none came`];
}

function checkReconnected(bench: WidgetBench, isLoud: boolean): Promise<Outcome> {
  return bench.withDesk({}, async (desk) => {
    const { isConnected } = await desk.page.evaluate((each) => window.conformance.reconnect(each), isLoud);
    if (!isConnected) return toOutcome(["Expected a second handshake of the same document, and none came"]);
    return toOutcome(await checkAlive(desk, "after the second handshake"));
  });
}

/** Keys of penpal's SYN: an identifier alone. */
const SYN_KEYS = ["namespace", "channel", "type", "participantId"];

/** Rules about the transport. */
export const transportRules: readonly Rule<WidgetBench>[] = [
  {
    id: "handshake",
    level: "must",
    sentence: "The widget finishes penpal 7's handshake, without a channel, as the side that sends ACK1.",
    section: "transport",
    check: (bench) => bench.withDesk({}, async (desk) => toOutcome(await checkAlive(desk, "after the handshake"))),
  },
  {
    id: "handshake-led-by-page",
    level: "must",
    sentence: "The widget finishes the handshake also if the page sends ACK1.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({ leader: "page" }, async (desk) => toOutcome(await checkAlive(desk, "after the page's ACK1"))),
  },
  {
    id: "one-method",
    level: "must",
    sentence: "The widget exposes one method, post.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({}, async ({ greeting: { methodPaths } }) => {
        const names = toText(methodPaths);
        return toOutcome(names === '[["post"]]' ? [] : [`Expected the method paths [["post"]], and ${names} came`]);
      }),
  },
  {
    id: "no-inherited-method",
    level: "should",
    sentence: "A method that the widget's object inherits cannot be called.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({}, async ({ page }) => {
        const faults: string[] = [];
        for (const path of [["constructor"], ["toString"], ["hasOwnProperty"]]) {
          const answer = await page.evaluate((each) => window.conformance.call(each, 5_000), path);
          if (answer.replies > 0 && !answer.isError) faults.push(`${path.join(".")}() returned ${answer.text}`);
        }
        return toOutcome(faults);
      }),
  },
  {
    id: "no-stack",
    level: "should",
    sentence: "No error that crosses the window carries a stack.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({}, async ({ page, post }) => {
        const missing = await page.evaluate(() => window.conformance.call(["nobody"], 5_000));
        const answers = [missing, ...(await post({ type: "CONFORMANCE.UNKNOWN" }, { type: "BUS.PING", payload: 7 }))];
        const shown = answers.filter(({ text }) => /"stack":"|\\n\s+at |\.js:\d+:\d+/.test(text));
        return toOutcome(shown.map(({ text }) => `Expected no stack, and ${toText(text)} came`));
      }),
  },
  {
    id: "page-without-method",
    level: "must",
    sentence: "The widget settles the requests of a page that exposes no method.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({ hasMethod: false }, async (desk) => {
        const faults = await checkAlive(desk, "of a page without a method");
        const [answer] = await desk.post({ ...ASK, meta: { id: "q" } });
        return toOutcome([...faults, ...(answer ? findFaults(ASK.type, answer, { type: ASK.type, id: "q" }) : [])]);
      }),
  },
  {
    id: "reload",
    level: "must",
    sentence: "A widget that is loaded anew finishes a new handshake and settles requests.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({}, async (desk) => {
        for (const times of ["once", "twice"]) {
          const { isConnected } = await desk.page.evaluate(() => window.conformance.reload());
          if (!isConnected) return toOutcome([`Reloaded ${times}: expected a handshake, and none came`]);
          const faults = await checkAlive(desk, `after the widget was reloaded ${times}`);
          if (faults.length > 0) return toOutcome(faults);
        }
        return toOutcome([]);
      }),
  },
  {
    id: "another-handshake",
    level: "must",
    sentence: "A page may connect anew to the same document.",
    section: "announcements",
    check: (bench) => checkReconnected(bench, false),
  },
  {
    id: "handshake-after-goodbye",
    level: "should",
    sentence: "A page may close its connection by penpal's DESTROY, and connect anew to the same document.",
    section: "transport",
    check: (bench) => checkReconnected(bench, true),
  },
  {
    id: "refused-origin",
    level: "must",
    sentence: "The widget never answers a page whose origin is not allowed.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({ isForeign: true, handshakeMs: SILENCE_MS }, async ({ greeting, page }) => {
        if (greeting.isConnected) return toOutcome(["The widget finished a handshake with a page of another origin"]);
        const arrivals = await page.evaluate(() => window.conformance.readArrivals());
        return toOutcome(arrivals.flatMap(findLeak));
      }),
  },
  {
    id: "forged-sender",
    level: "must",
    sentence: "The widget answers no other window than its parent, also one of the page's own origin.",
    section: "transport",
    check: (bench) =>
      bench.withDesk({}, async (desk) => {
        const received = await desk.page.evaluate((each) => window.conformance.forge(each), 1_000);
        const faults = received.map((data) => `A window beside the widget received ${toText(data)}`);
        return toOutcome([...faults, ...(await checkAlive(desk, "after forged messages of another window"))]);
      }),
  },
  {
    id: "frame-ancestors",
    level: "should",
    sentence: "The widget's document has a frame-ancestors with exact origins, the allowed ones.",
    section: "transport",
    async check({ url, origin }) {
      const { headers } = await fetch(url, { redirect: "follow" });
      const policy = headers.get("content-security-policy") ?? "";
      const directive = policy
        .split(";")
        .map((each) => each.trim().split(/\s+/))
        .find(([name]) => name === "frame-ancestors");
      if (!directive)
        return toOutcome(["Expected Content-Security-Policy: frame-ancestors, and the document has none"]);
      const [, ...sources] = directive;
      const loose = sources.filter((source) => source.includes("*") || /^https?:$/.test(source));
      const faults = loose.map((source) => `Expected exact origins in frame-ancestors, and found ${source}`);
      return toOutcome(sources.includes(origin) ? faults : [...faults, `Expected ${origin} in frame-ancestors`]);
    },
  },
  {
    id: "register",
    level: "must",
    sentence:
      "BUS.REGISTER tells protocol 1, a session that is new at each load, and the known requests; another origin is refused.",
    section: "requests",
    check: (bench) =>
      bench.withDesk({}, async ({ page, post }) => {
        const payload = { origin: bench.origin, appName: "conformance", release: "1" };
        const event = { type: "BUS.REGISTER", payload, meta: { id: "r" } };
        const register = async () => (await post(event))[0];
        const first = await register();
        const settled = first && readSettlement(first);
        if (!first || Object(Object(settled?.payload).error).code === "UNKNOWN_EVENT")
          return skip("The widget does not know BUS.REGISTER.");
        const faults = [...findFaults("BUS.REGISTER", first, { type: event.type, id: "r", isFulfilled: true })];
        const { protocol, sessionId, events } = Object(settled?.payload);
        if (protocol !== 1) faults.push(`Expected protocol 1, and ${toText(protocol)} came`);
        if (typeof sessionId !== "string") faults.push(`Expected a text as sessionId, and ${toText(sessionId)} came`);
        if (!Array.isArray(events) || !events.includes(ASK.type)) {
          faults.push(`Expected ${ASK.type} in events, and ${toText(events)} came`);
        }
        const [foreign] = await post({
          ...event,
          payload: { ...payload, origin: "https://foreign.example" },
          meta: { id: "f" },
        });
        if (foreign)
          faults.push(...findFaults("another origin", foreign, { type: event.type, id: "f", code: "INVALID_REQUEST" }));
        await page.evaluate(() => window.conformance.reload());
        const second = await register();
        const next = Object(second && readSettlement(second)?.payload).sessionId;
        if (next === sessionId) faults.push("Expected another sessionId after a reload, and the same came");
        return toOutcome(faults);
      }),
  },
];

const ASK = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;

/** Names a forbidden message to a foreign page: any message but a SYN, and any key of a SYN but the identifier. */
function findLeak({ data }: Arrival): readonly string[] {
  const { type } = Object(data);
  if (type !== "SYN") return [`A page of another origin received ${toText(data)}`];
  const more = Object.keys(Object(data)).filter((key) => !SYN_KEYS.includes(key));
  return more.map((key) => `The widget's SYN carries ${key}: expected nothing but an identifier`);
}
