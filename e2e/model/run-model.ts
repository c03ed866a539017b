/**
 * Run of the model: the real host, widget and gateway, joined in memory on a fake clock, with the faults of the commands.
 * The run checks both guarantees of `docs/how-it-works.md` before each step in time.
 */
import { prepareFrameConnection } from "../../host/connection/frame-connection.ts";
import type { Connector } from "../../host/connector.ts";
import { createConnector } from "../../host/create-connector.ts";
import type { Settlement } from "../../shared/protocol/envelope.ts";
import type { Command, ModelRun } from "./commands.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { type FrameWindow, openPagePort, WIDGET_ORIGIN } from "./memory-port.ts";
import { defineModelBadge } from "./model-badges.ts";
import { createModelGateway } from "./model-gateway.ts";
import { createModelPage, PAGE_ORIGIN, PlannedError } from "./model-page.ts";
import { createModelRequests } from "./model-requests.ts";
import { createModelTokens } from "./model-tokens.ts";
import { createModelWatches, type RunHistory, TOLERANCE_MS } from "./model-watches.ts";
import { createRandom } from "./random.ts";

/** Time limit for recovery after the last fault, in milliseconds. */
const RIGHT_WITHIN_MS = 10_000;

/** Time limit for recovery if the widget polls: a change arrives up to 18 s late. */
const POLLED_WITHIN_MS = 18_000;

/** Time limit for the detection of a lost widget: a heartbeat of a request, and two heartbeats of a watch. */
const NOTICED_WITHIN_MS = 32_000;

/** Time limit for timers after `destroy()`. A timer queue does not clear the timer of a cancelled callback. */
const TIMERS_END_WITHIN_MS = 75_000;

const TIMEOUTS = { timeoutMs: 10_000, handshakeTimeoutMs: 10_000, retryDelayMs: 500, heartbeatMs: 2_000 };

/** Writes a line for a step of a run. */
export type LogStep = (text: string) => void;

/**
 * Runs the commands, then ends all faults, and then destroys the connector.
 *
 * @throws {Error} with the first violations of the guarantees.
 */
export async function runModel(
  { signsIn, hasPanel, seed, commands }: ModelRun,
  log: LogStep = () => {},
): Promise<void> {
  const clock = createFakeClock();
  const restoreClock = clock.install();
  const random = createRandom(seed);
  const real = { random: Math.random, warn: console.warn };
  Math.random = random;
  console.warn = () => {};
  const model = createModel({ signsIn, hasPanel, random, clock, log: (text) => log(`${clock.now()} ms: ${text}`) });
  try {
    for (const command of commands) await model.perform(command);
    await model.finish();
  } finally {
    model.close();
    Math.random = real.random;
    console.warn = real.warn;
    restoreClock();
  }
}

interface ModelOptions {
  readonly signsIn: boolean;
  readonly hasPanel: boolean;
  readonly random: () => number;
  readonly clock: FakeClock;
  readonly log: LogStep;
}

function createModel({ signsIn, hasPanel, random, clock, log }: ModelOptions) {
  const violations: string[] = [];
  const history: RunHistory = {
    hadFault: false,
    hadTokenFault: false,
    isDestroyed: false,
    visibleSince: 0,
    widgetLostAt: 0,
  };
  const gateway = createModelGateway({ clock, random, needsToken: signsIn });
  const page = createModelPage({ clock, random, hasPanel, onDefect: handleDefect });
  const tokens = createModelTokens({ clock, gateway, history, violate });
  const restoreGlobals = replaceGlobals({
    ...page.globals,
    fetch(input: RequestInfo | URL, init?: RequestInit) {
      log(`fetch ${input instanceof Request ? input.url : String(input)}`);
      return gateway.fetch(input, init);
    },
    reportError: handleDefect,
  });
  let wasHeld = false;

  function violate(message: string): void {
    violations.push(`at ${clock.now()} ms: ${message}`);
  }

  function handleDefect(error: unknown): void {
    const text = error instanceof Error ? `${error.stack}` : String(error);
    // The product reports a late token, too many requests for tokens, a late registration and a late live part by errors of its own.
    const isReport =
      /fetchToken: expected|asks for tokens too often|BUS\.REGISTER was not settled|did not arrive within/;
    const isPlanned = error instanceof PlannedError || isReport.test(text);
    if (!isPlanned) violate(`a defect: ${text}`);
  }

  function mount(): HTMLIFrameElement {
    log("an iframe is mounted");
    if (history.isDestroyed) violate("an iframe was mounted after destroy()");
    // The fake has all members used by the connection.
    return page.mount() as object as HTMLIFrameElement;
  }

  const open = prepareFrameConnection(
    WIDGET_ORIGIN,
    undefined,
    () => undefined,
    mount,
    TIMEOUTS,
    { learn() {}, forget() {}, probe() {} },
    (receive, remote, _allowedOrigins, onHandshake, onClosed) =>
      openPagePort(
        (remote ?? undefined) as object | undefined as FrameWindow | undefined,
        { onHandshake, onClosed },
        receive,
      ),
  );
  const connector: Connector = createConnector(
    open,
    { origin: PAGE_ORIGIN, appName: "model", release: "1" },
    "",
    () => "nobody there",
    TIMEOUTS,
    signsIn ? tokens.fetchToken : undefined,
    () => {},
  );
  connector.on("*", (event, request) => {
    log(JSON.stringify(event));
    if (history.isDestroyed && request === undefined) violate("an announcement came after destroy()");
  });
  defineModelBadge(connector);
  const parts = { clock, connector, gateway, page, history, violate };
  const requests = createModelRequests(parts);
  const watches = createModelWatches(parts);
  for (const userId of [1, 2]) gateway.setAgent(userId, "available");

  function verify(at: number): void {
    requests.verify(at);
    watches.verify(at);
  }

  async function pass(milliseconds: number): Promise<void> {
    await clock.pass(milliseconds, verify);
    if (violations.length > 0) throw new Error(violations.slice(0, 5).join("\n"));
  }

  function setHidden(isHidden: boolean): void {
    if (page.isHidden() && !isHidden) history.visibleSince = clock.now();
    page.setHidden(isHidden);
  }

  function refreshToken(): void {
    connector.refreshToken().catch(() => {});
  }

  /** Performs a command of the page or of an agent. Returns false for a fault. */
  function act(command: Command): boolean {
    if ("watch" in command) watches.watch(command.watch);
    else if ("unwatch" in command) watches.unwatch(command.unwatch);
    else if ("addBadge" in command) watches.addBadge(command.addBadge);
    else if ("removeBadge" in command) watches.removeBadge(command.removeBadge);
    else if ("request" in command) void requests.send(command.request, command.timeoutMs, command.abortAfterMs);
    else if ("status" in command) gateway.setAgent(command.setAgent, command.status);
    else if ("removeAgent" in command) gateway.removeAgent(command.removeAgent);
    else if ("hidden" in command) setHidden(command.hidden);
    else if ("refreshToken" in command) refreshToken();
    else if ("added" in command) watches.changeDirectly(command.added, command.removed);
    else if ("service" in command) watches.switchService(command.service);
    else if ("shiftWallClock" in command) clock.shiftWallClock(command.shiftWallClock);
    else return false;
    return true;
  }

  /** True if only the heartbeat can tell the connector that the widget is gone. */
  function losesWidgetSilently(command: Command): boolean {
    if ("hang" in command) return true;
    if (!("widget" in command)) return false;
    return command.widget === "crash" || (command.widget === "reload" && page.isAddressSilent());
  }

  function causeFault(command: Command): void {
    history.hadFault = true;
    if (losesWidgetSilently(command)) history.widgetLostAt = clock.now();
    if ("network" in command) gateway.setNetwork(command.network);
    else if ("restartGateway" in command) gateway.restart(command.restartGateway);
    else if ("widget" in command) page.loseWidget(command.widget);
    else if ("hang" in command) page.hang(command.hang);
    else if ("frame" in command) page.moveFrame(command.frame);
    else if ("address" in command) page.setAddress(command.address);
    else if ("chunk" in command) page.setChunk(command.chunk);
    else if ("token" in command) tokens.setFault(command.token);
    else if ("holdStreams" in command) {
      wasHeld = true;
      gateway.holdStreams(command.holdStreams);
    } else if ("sleep" in command) {
      gateway.sleep(command.sleep);
      if (command.streams === "half-open") gateway.breakStreams("half-open");
      if (command.setAgent !== null) gateway.setAgent(command.setAgent, "in_call");
    } else if ("streams" in command) gateway.breakStreams(command.streams);
  }

  /** Ends all faults, and waits for the connector to notice a lost widget. */
  async function heal(): Promise<void> {
    log("every fault ends");
    gateway.heal();
    page.heal();
    while (gateway.isDown()) await pass(100);
    const isSignedOut = tokens.heal() || watches.isSessionExpired();
    setHidden(false);
    if (isSignedOut) {
      // The agent signs in after the calls in flight have been answered: one of them may end the session.
      await pass(1_000);
      refreshToken();
    }
    const limit = clock.now() + NOTICED_WITHIN_MS + TOLERANCE_MS;
    while (watches.isActive() && page.hasLostWidget()) {
      if (clock.now() > limit) throw new Error(`A lost widget was not noticed within ${NOTICED_WITHIN_MS} ms`);
      await pass(500);
    }
    await pass((wasHeld ? POLLED_WITHIN_MS : RIGHT_WITHIN_MS) + TOLERANCE_MS);
  }

  async function verifyRequest(): Promise<void> {
    // Without a watch or a service the connector notices a crash by the next request.
    if (page.hasCrashedWidget()) {
      void requests.send(1, 10_000, null);
      await pass(11_000);
    }
    let settlement: Settlement | undefined;
    void requests.send(1, 10_000, null).then((settled) => {
      settlement = settled;
    });
    await pass(11_000);
    const { version, error } = Object(settlement?.payload);
    const { current } = gateway.agent(1);
    if (current ? version !== current.version : error?.status !== 404)
      violate(`a request after the last fault has ${JSON.stringify(settlement)}, not version ${current?.version}`);
  }

  async function verifyDestroyed(): Promise<void> {
    connector.destroy();
    history.isDestroyed = true;
    await pass(0);
    requests.verifySettled();
    await pass(TIMERS_END_WITHIN_MS);
    if (page.frameCount() > 0) violate("an iframe is left after destroy()");
    if (gateway.openStreams() > 0) violate("a stream is left after destroy()");
    // One timer is the gateway's heartbeat.
    if (clock.timerCount() > 1) violate(`${clock.timerCount() - 1} timers are left after destroy()`);
    await pass(0);
  }

  return {
    async perform(command: Command): Promise<void> {
      log(JSON.stringify(command));
      if ("wait" in command) return pass(command.wait);
      if (!act(command)) causeFault(command);
      await pass(0);
    },
    async finish(): Promise<void> {
      await heal();
      watches.verifyRight();
      await verifyRequest();
      await verifyDestroyed();
    },
    close(): void {
      connector.destroy();
      watches.close();
      gateway.close();
      restoreGlobals();
    },
  };
}

/** Replaces globals. Returns a function to restore the real values. */
function replaceGlobals(replacements: Readonly<Record<string, unknown>>): () => void {
  const real = Object.fromEntries(Object.keys(replacements).map((name) => [name, Reflect.get(globalThis, name)]));
  Object.assign(globalThis, replacements);
  return () => void Object.assign(globalThis, real);
}
