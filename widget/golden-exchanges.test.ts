/** The golden vectors through the widget's dispatcher and client, called directly and over penpal. */
import { PortMessenger } from "penpal";
import { afterAll, expect, onTestFinished, test } from "vitest";
import {
  comparable,
  comparableAnnouncement,
  type Exchange,
  type GoldenAnnouncement,
  type GoldenConversation,
  goldenAnnouncements,
  goldenConversations,
  goldenExchanges,
  toToken,
} from "../gateway/test/golden-exchanges.ts";
import { describeCalls, type ScriptedBackend, startScriptedBackend } from "../gateway/test/scripted-backend.ts";
import { announcements, contract } from "../shared/contracts/index.ts";
import { openPort, type Port } from "../shared/transport/penpal-port.ts";
import { createTestWidget } from "./test/test-widget.ts";

/** The backend of all exchanges. A conversation has its own, because each ends with an open stream. */
const shared = await startScriptedBackend({ answers: null });
afterAll(() => shared.close());

test.for(goldenExchanges)("settles as the golden exchange says: $file, $name", async (exchange) => {
  await expectExchange(shared, exchange, connectDirectly(shared, createPage()).post);
});

test.for(goldenExchanges)("settles over penpal as the golden exchange says: $file, $name", async (exchange) => {
  await expectExchange(shared, exchange, (await connectByPenpal(shared, createPage())).post);
});

test.for(goldenConversations)("announces as the golden conversation says: $file, $name", async (conversation) => {
  const backend = await startBackend();
  const page = createPage(conversation);
  await expectConversation(backend, conversation, page, connectDirectly(backend, page));
});

test.for(goldenConversations)(
  "announces over penpal as the golden conversation says: $file, $name",
  async (conversation) => {
    const backend = await startBackend();
    const page = createPage(conversation);
    await expectConversation(backend, conversation, page, await connectByPenpal(backend, page));
  },
);

test("there are as many golden exchanges as were recorded", () => {
  expect(goldenExchanges.filter(({ file }) => file === "fetch-user-availability.json")).toHaveLength(74);
});

test("every event has golden vectors", () => {
  const asked = [...goldenExchanges, ...goldenConversations.flatMap(({ exchanges }) => exchanges)];
  const types = new Set(asked.map(({ event }): unknown => Object(event).type));
  expect([...types]).toEqual(expect.arrayContaining(Object.keys(contract)));
  const announced = new Set(goldenAnnouncements.map(({ type }) => type));
  expect([...announced].sort()).toEqual(Object.keys(announcements).sort());
});

async function startBackend(): Promise<ScriptedBackend> {
  const backend = await startScriptedBackend({ answers: null });
  onTestFinished(() => backend.close());
  return backend;
}

/** A page that gives tokens, and keeps the announcements. */
interface TestPage {
  receive(event: unknown): unknown;
  readonly announced: readonly GoldenAnnouncement[];
}

function createPage({ tokens }: Pick<GoldenConversation, "tokens"> = { tokens: [] }): TestPage {
  const announced: GoldenAnnouncement[] = [];
  let given = 0;
  return {
    announced,
    receive(event) {
      const { type } = Object(event);
      if (type !== "HOST.FETCH_TOKEN") return void announced.push(Object(event));
      const claims = tokens[Math.min(given, tokens.length - 1)];
      given += 1;
      return claims
        ? { type: `${type}_FULFILLED`, payload: { token: toToken(claims) } }
        : { type: `${type}_REJECTED`, payload: { error: null } };
    },
  };
}

type Connected = Pick<Port, "post">;

function connectDirectly(backend: ScriptedBackend, page: TestPage): Connected {
  const core = createTestWidget({ backend: backend.origin, post: async (event) => page.receive(event), onDefect });
  onTestFinished(core.reset);
  return { post: core.dispatch };
}

/** A host's end of a port. The widget's core replies at the far end. */
async function connectByPenpal(backend: ScriptedBackend, page: TestPage): Promise<Connected> {
  const { port1, port2 } = new MessageChannel();
  const widget = openPort(new PortMessenger({ port: port1 }), (event) => core.dispatch(event));
  const core = createTestWidget({ backend: backend.origin, post: widget.post, onDefect });
  const host = openPort(new PortMessenger({ port: port2 }), page.receive);
  onTestFinished(() => {
    core.reset();
    host.close();
    widget.close();
  });
  await host.opened;
  return host;
}

function onDefect(error: unknown): never {
  expect.fail(`a defect: ${String(error)}`);
}

async function expectExchange(backend: ScriptedBackend, exchange: Exchange, post: Port["post"]): Promise<void> {
  const { event, backend: answers, asked, settlement } = exchange;
  backend.answerWith(answers);
  expect(comparable(await post(event), settlement)).toEqual(settlement);
  if (answers === null) expect(backend.calls).toHaveLength(0);
  if (Array.isArray(answers)) expect(backend.calls).toHaveLength(answers.length);
  if (asked) expect(await describeCalls(backend)).toEqual(asked);
}

async function expectConversation(
  backend: ScriptedBackend,
  { exchanges, stream, announced }: GoldenConversation,
  page: TestPage,
  { post }: Connected,
): Promise<void> {
  if (!Array.isArray(stream)) backend.refuseStream(stream);
  for (const exchange of exchanges) await expectExchange(backend, exchange, post);
  if (Array.isArray(stream)) backend.stream.say(stream);
  await expect.poll(() => page.announced.map(comparableAnnouncement)).toEqual(announced);
}
