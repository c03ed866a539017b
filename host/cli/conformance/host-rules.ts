/** All rules for a page. */
import * as v from "valibot";
import { announcements, contract } from "../../../shared/contracts/index.ts";
import { parseEvent } from "../../../shared/protocol/envelope.ts";
import { isToken } from "../../../shared/protocol/token.ts";
import type { Answer } from "./harness.ts";
import type { HostBench, Scene } from "./host-bench.ts";
import { type Outcome, type Rule, skip, toOutcome } from "./rule.ts";
import { readCode, readSettlement, toText } from "./settlement-faults.ts";
import type { CallOfPage } from "./widget-harness.ts";

/** Time to watch the page's own requests, in milliseconds. */
const WATCH_MS = 2_500;

/** Maximum number of calls within `WATCH_MS`. */
const FLOOD = 100;

const NO_CALLS = "The page sent no request. Give --click, or an address at which the page sends one by itself.";
const NO_FRAMES = "The page's policy allows no other frame, so that there is nobody to try it with.";
const NO_METHOD = "The page exposes no method.";
const NO_TOKEN = "The page has no token.";
const NO_TOKEN_SETTLEMENT =
  "The page's answer to HOST.FETCH_TOKEN is no valid settlement, so that there is no token to try: see token-settlement.";

const FETCH_TOKEN = { type: "HOST.FETCH_TOKEN", meta: { id: "token-1", timeoutMs: 5_000 } };

/** Opens a scene with a finished handshake. */
async function withConnected(
  bench: HostBench,
  use: (scene: Scene) => Promise<Outcome>,
  manner: Parameters<HostBench["withScene"]>[0] = {},
): Promise<Outcome> {
  return bench.withScene(manner, async (scene) => {
    if (await scene.waitForHandshake(0)) return use(scene);
    return toOutcome(["Expected penpal 7's handshake, and the page did not finish it"]);
  });
}

/** Opens a scene; skips the rule if the page exposes no `post`. */
function withMethod(bench: HostBench, use: (scene: Scene) => Promise<Outcome>): Promise<Outcome> {
  return withConnected(bench, async (scene) => ((await hasMethod(scene)) ? use(scene) : skip(NO_METHOD)));
}

async function hasMethod({ frame }: Scene): Promise<boolean> {
  const paths = await frame.evaluate(() => window.conformanceWidget.readMethodPaths());
  return (paths ?? []).some((path) => path.join() === "post");
}

/** True if the page answers over the port. An error is an answer. */
async function isAlive({ frame }: Scene): Promise<boolean> {
  const { replies } = await frame.evaluate(() => window.conformanceWidget.call(["conformance"], 5_000));
  return replies > 0;
}

/** Lists the differences of a call from the contract. */
function findCallFaults({ text, methodPath, argumentCount }: CallOfPage): readonly string[] {
  if (methodPath.join() !== "post") return [`The page called ${methodPath.join(".")}: the widget has post alone`];
  if (argumentCount !== 1) return [`post was called with ${argumentCount} arguments: expected the event alone`];
  if (text === "undefined") return ["post was called with what JSON lacks: expected an event"];
  try {
    const { type, payload } = parseEvent(JSON.parse(text));
    const entry = Object.entries(contract).find(([known]) => known === type)?.[1];
    if (!entry) return [`${text}: the contract has no request ${type}`];
    const { issues = [] } = v.safeParse(entry.payload, payload);
    return issues.map((issue) => `${text}: payload.${v.getDotPath(issue)}: expected ${issue.message}`);
  } catch (error) {
    return [`${text}: ${Object(error).message}`];
  }
}

const readType = ({ text }: CallOfPage): unknown => (text === "undefined" ? undefined : Object(JSON.parse(text)).type);
const readId = ({ text }: CallOfPage): unknown =>
  text === "undefined" ? undefined : Object(JSON.parse(text)).meta?.id;

/** Returns the reason of a skipped rule: a page without a token rejects, and every other answer is none. */
function explainMissingToken(answer: Answer): string {
  const types = [`${FETCH_TOKEN.type}_FULFILLED`, `${FETCH_TOKEN.type}_REJECTED`];
  return types.includes(readSettlement(answer)?.type ?? "") ? NO_TOKEN : NO_TOKEN_SETTLEMENT;
}

/** Posts events to the page, and lists uncaught errors. */
async function checkEvents(bench: HostBench, events: readonly object[]): Promise<Outcome> {
  return withMethod(bench, async (scene) => {
    await scene.waitForCalls();
    for (const event of events) await scene.post(event);
    await scene.page.waitForTimeout(200);
    const faults = scene.errors.map((message) => `Uncaught in the page: ${message}`);
    return toOutcome(
      (await isAlive(scene)) ? faults : [...faults, "Expected the page to stay connected, and it answers no more"],
    );
  });
}

/** Events of a later release: new types, new keys and a new status. */
const OF_A_LATER_RELEASE = [
  { type: "USER.RENAMED", payload: { userId: 123, name: "Ann" } },
  { type: "LATER.EVENT" },
  {
    type: "USER.TEAMMATE_AVAILABILITY_CHANGED",
    payload: { userId: 123, status: "on_a_boat", version: 99, updatedAt: 1_760_000_000_099 },
  },
  {
    type: "USER.TEAMMATE_AVAILABILITY_CHANGED",
    payload: { userId: 124, status: "available", version: 99, updatedAt: 1_760_000_000_099, mood: { is: "good" } },
    meta: { later: true },
  },
];

/** The rules for a page, the handshake first. */
export const hostRules: readonly Rule<HostBench>[] = [
  {
    id: "handshake",
    level: "must",
    sentence: "The page finishes penpal 7's handshake with the widget, without a channel.",
    section: "transport",
    check: (bench) => withConnected(bench, async () => toOutcome([])),
  },
  {
    id: "handshake-led-by-widget",
    level: "must",
    sentence: "The page finishes the handshake also if the widget sends ACK1.",
    section: "transport",
    check: (bench) => withConnected(bench, async () => toOutcome([]), { leader: "widget" }),
  },
  {
    id: "one-method",
    level: "must",
    sentence: "The page exposes post alone, or no method.",
    section: "transport",
    check: (bench) =>
      withConnected(bench, async ({ frame }) => {
        const paths = await frame.evaluate(() => window.conformanceWidget.readMethodPaths());
        const isAllowed = ["[]", '[["post"]]'].includes(toText(paths ?? []));
        return toOutcome(isAllowed ? [] : [`Expected post or nothing, and the page exposes ${toText(paths)}`]);
      }),
  },
  {
    id: "requests",
    level: "must",
    sentence: "Each event that the page sends is a request of the contract, with exactly its keys.",
    section: "requests",
    check: (bench) =>
      withConnected(bench, async (scene) => {
        const calls = await scene.waitForCalls((call) => !String(readType(call)).startsWith("BUS."));
        return calls.length === 0 ? skip(NO_CALLS) : toOutcome(calls.flatMap(findCallFaults));
      }),
  },
  {
    id: "ids-differ",
    level: "must",
    sentence: "A meta.id differs from those of the requests in flight.",
    section: "envelope",
    check: (bench) =>
      withConnected(
        bench,
        async (scene) => {
          await scene.waitForCalls();
          await scene.page.waitForTimeout(WATCH_MS);
          const ids = (await scene.readCalls()).map(readId).filter((id) => id !== undefined);
          if (ids.length === 0) return skip(NO_CALLS);
          const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
          return toOutcome(twice.map((id) => `Two requests in flight have the meta.id ${toText(id)}`));
        },
        { requests: "hold" },
      ),
  },
  {
    id: "register-origin",
    level: "must",
    sentence: "BUS.REGISTER names the page's own origin.",
    section: "requests",
    check: (bench) =>
      withConnected(bench, async (scene) => {
        const isRegister = (call: CallOfPage): boolean => readType(call) === "BUS.REGISTER";
        const found = (await scene.waitForCalls(isRegister)).find(isRegister);
        if (!found) return skip("The page does not register, which it need not.");
        const own = await scene.page.evaluate(() => location.origin);
        const told = JSON.parse(found.text).payload?.origin;
        return toOutcome(told === own ? [] : [`Expected the origin ${own}, and ${toText(told)} came`]);
      }),
  },
  {
    id: "token-settlement",
    level: "should",
    sentence: "The page settles HOST.FETCH_TOKEN within 5 s, with the request's meta.id.",
    section: "requests-to-the-page",
    check: (bench) =>
      withMethod(bench, async ({ post }) => {
        const answer = await post(FETCH_TOKEN);
        if (answer.replies === 0) return toOutcome(["Expected a settlement within 5 s, and none came"]);
        if (answer.isError) return toOutcome(["Expected a settlement, and the call rejected"]);
        const settlement = readSettlement(answer);
        const types = [`${FETCH_TOKEN.type}_FULFILLED`, `${FETCH_TOKEN.type}_REJECTED`];
        const { type, meta } = settlement ?? { type: undefined, meta: undefined };
        const faults: string[] = [];
        if (!types.includes(String(type)))
          faults.push(`Expected the type ${types.join(" or ")}, and ${toText(type)} came`);
        else if (meta?.["id"] !== FETCH_TOKEN.meta.id) {
          faults.push(`Expected meta.id ${toText(FETCH_TOKEN.meta.id)}, and ${toText(meta?.["id"])} came`);
        }
        return toOutcome(faults);
      }),
  },
  {
    id: "token-form",
    level: "must",
    sentence: "A token has 1 to 8,192 characters of RFC 6750's b64token.",
    section: "requests-to-the-page",
    check: (bench) =>
      withMethod(bench, async (scene) => {
        const answer = await scene.post(FETCH_TOKEN);
        const settlement = readSettlement(answer);
        if (settlement?.type !== `${FETCH_TOKEN.type}_FULFILLED`) return skip(explainMissingToken(answer));
        const { token } = Object(settlement.payload);
        // The report must not contain the token.
        return toOutcome(isToken(token) ? [] : [`Expected such a token, and a ${typeof token} of another form came`]);
      }),
  },
  {
    id: "token-in-no-address",
    level: "must",
    sentence: "No address that the page asks for, and none of its requests, has the token in it.",
    section: "requests-to-the-page",
    check: (bench) =>
      withMethod(bench, async (scene) => {
        await scene.waitForCalls();
        const answer = await scene.post(FETCH_TOKEN);
        const { token } = Object(readSettlement(answer)?.payload);
        if (typeof token !== "string" || token === "") return skip(explainMissingToken(answer));
        await scene.page.waitForTimeout(200);
        const calls = await scene.readCalls();
        const addresses = scene.addresses.filter((address) => decodeURIComponent(address).includes(token));
        const faults = addresses.map((address) => `The token is in an address of ${new URL(address).origin}`);
        const leaks = calls
          .filter(({ text }) => text.includes(token))
          .map((call) => `The token is in ${String(readType(call))}`);
        return toOutcome([...faults, ...leaks]);
      }),
  },
  {
    id: "unknown-request",
    level: "should",
    sentence: "The page rejects a request that it does not know with UNKNOWN_EVENT.",
    section: "requests-to-the-page",
    check: (bench) =>
      withMethod(bench, async ({ post }) => {
        const answer = await post({ type: "HOST.CONFORMANCE", meta: { id: "unknown-1" } });
        const code = readCode(answer);
        return toOutcome(code === "UNKNOWN_EVENT" ? [] : [`Expected UNKNOWN_EVENT, and ${answer.text} came`]);
      }),
  },
  {
    id: "announcements",
    level: "must",
    sentence: "Every announcement of the golden vectors leaves the page without an uncaught error.",
    section: "announcements",
    check: (bench) => {
      const told = bench.vectors.flatMap((file) => [
        ...file.announcements,
        ...file.conversations.flatMap(({ announced }) => announced),
      ]);
      return checkEvents(
        bench,
        Object.keys(announcements).flatMap((type) => told.filter((event) => event.type === type).slice(0, 12)),
      );
    },
  },
  {
    id: "later-widget",
    level: "must",
    sentence: "An unknown announcement, an unknown status and unknown keys leave the page without an uncaught error.",
    section: "announcements",
    check: (bench) => checkEvents(bench, OF_A_LATER_RELEASE),
  },
  {
    id: "reload",
    level: "must",
    sentence: "The page finishes a new handshake when the widget was loaded anew.",
    section: "transport",
    check: (bench) =>
      withConnected(bench, async (scene) => {
        await scene.reloadWidget();
        const isConnected = await scene.waitForHandshake(0);
        if (!isConnected) return toOutcome(["Expected a handshake after the widget's reload, and none came"]);
        return toOutcome(
          (await isAlive(scene)) ? [] : ["Expected the page to answer after the reload, and it does not"],
        );
      }),
  },
  {
    id: "foreign-document",
    level: "must",
    sentence: "A document of another origin in the iframe receives nothing but a SYN.",
    section: "transport",
    check: (bench) =>
      withConnected(bench, async (scene) => {
        const received = await scene.replaceWidget();
        if (!received) return skip(NO_FRAMES);
        const faults = received.filter((data) => Object(data).type !== "SYN");
        return toOutcome(faults.map((data) => `A document of another origin received ${toText(data)}`));
      }),
  },
  {
    id: "forged-sender",
    level: "must",
    sentence: "The page answers no other window than the widget's, also one of the widget's origin.",
    section: "transport",
    check: (bench) =>
      withConnected(bench, async (scene) => {
        const faults: string[] = [];
        for (const from of ["foreign", "widget"] as const) {
          const received = await scene.forge(from);
          if (!received && from === "widget") return skip(NO_FRAMES);
          const owner = from === "foreign" ? "another origin" : "the widget's origin";
          faults.push(...(received ?? []).map((data) => `Another window of ${owner} received ${toText(data)}`));
        }
        if (!(await isAlive(scene))) faults.push("Forged messages of another window ended the connection");
        return toOutcome(faults);
      }),
  },
  {
    id: "stray-replies",
    level: "must",
    sentence: "A second reply to a call, and a reply to none, leave the page as it was.",
    section: "transport",
    check: (bench) =>
      withConnected(bench, async (scene) => {
        await scene.waitForCalls();
        await scene.frame.evaluate(() => window.conformanceWidget.postStrayReplies());
        await scene.page.waitForTimeout(200);
        const faults = scene.errors.map((message) => `Uncaught in the page: ${message}`);
        return toOutcome((await isAlive(scene)) ? faults : [...faults, "Stray replies ended the connection"]);
      }),
  },
  {
    id: "garbled-settlements",
    level: "should",
    sentence: "A settlement that is none leaves the page without an uncaught error.",
    section: "envelope",
    check: (bench) =>
      withConnected(
        bench,
        async (scene) => {
          const isGarbled = (call: CallOfPage): boolean => !String(readType(call)).startsWith("BUS.");
          if (!(await scene.waitForCalls(isGarbled)).some(isGarbled)) return skip(NO_CALLS);
          await scene.page.waitForTimeout(500);
          return toOutcome(scene.errors.map((message) => `Uncaught in the page: ${message}`));
        },
        { requests: "garble" },
      ),
  },
  {
    id: "no-flood",
    level: "should",
    sentence: "A page whose requests are rejected as OVERLOADED does not repeat them without a pause.",
    section: "limits",
    check: (bench) =>
      withConnected(
        bench,
        async (scene) => {
          if ((await scene.waitForCalls()).length === 0) return skip(NO_CALLS);
          const before = (await scene.readCalls()).length;
          await scene.page.waitForTimeout(WATCH_MS);
          const count = (await scene.readCalls()).length - before;
          return toOutcome(count <= FLOOD ? [] : [`${count} requests came within ${WATCH_MS} ms`]);
        },
        { requests: "overload" },
      ),
  },
  {
    id: "port-alone",
    level: "should",
    sentence: "The page posts nothing to the widget's window but the handshake: everything else crosses the port.",
    section: "transport",
    check: (bench) =>
      withConnected(bench, async (scene) => {
        await scene.waitForCalls();
        const arrivals = await scene.frame.evaluate(() => window.conformanceWidget.readArrivals());
        const others = arrivals.filter(({ data }) => !["SYN", "ACK1", "ACK2"].includes(Object(data).type));
        return toOutcome(others.map(({ data }) => `The widget's window received ${toText(data)}`));
      }),
  },
  {
    id: "no-stack",
    level: "should",
    sentence: "No error that crosses the window carries a stack.",
    section: "transport",
    check: (bench) =>
      withConnected(bench, async ({ frame }) => {
        const { text } = await frame.evaluate(() => window.conformanceWidget.call(["nobody"], 5_000));
        return toOutcome(/"stack":"|\\n\s+at /.test(text) ? [`Expected no stack, and ${toText(text)} came`] : []);
      }),
  },
];
