/** The handshake over two simulated windows: penpal and the messenger in the first, forged messages from the second. */
import { expect, onTestFinished, test, vi } from "vitest";
import { openWindowPort } from "./penpal-port.ts";

const ORIGIN = "https://widget.example.com";
const OTHER = "https://crm.example.com";

interface Posted {
  readonly message: { readonly type: string };
  readonly targetOrigin: string;
  readonly transfer: readonly MessagePort[];
}

interface SetUpOptions {
  readonly allowedOrigins?: readonly string[];
  readonly isBlank?: boolean;
  /** Handles each event of the other side. */
  readonly receive?: (event: unknown) => unknown;
}

/** A port to a cross-origin window, or to a window still blank. */
function setUp({ allowedOrigins = [ORIGIN], isBlank = false, receive = () => undefined }: SetUpOptions = {}) {
  const thisWindow = new EventTarget();
  vi.stubGlobal("addEventListener", thisWindow.addEventListener.bind(thisWindow));
  vi.stubGlobal("removeEventListener", thisWindow.removeEventListener.bind(thisWindow));
  const posted: Posted[] = [];
  const remote = {
    postMessage(message: Posted["message"], targetOrigin: string, transfer: readonly MessagePort[] = []) {
      posted.push({ message, targetOrigin, transfer });
    },
    get location() {
      if (!isBlank) throw new Error("Blocked a frame from accessing a cross-origin frame");
      return { href: "about:blank" };
    },
  };
  const onHandshake = vi.fn();
  const onClosed = vi.fn();
  const onOpened = vi.fn();
  const port = openWindowPort(receive, remote, allowedOrigins, onHandshake, onClosed);
  void port.opened.then(onOpened);
  onTestFinished(() => {
    port.close();
    for (const { transfer } of posted) for (const transferred of transfer) transferred.close();
    vi.unstubAllGlobals();
  });

  /** Dispatches a window message as the browser does, by default from the remote window. */
  async function deliver(data: unknown, { source = remote, origin = ORIGIN, ports = [] }: Delivery = {}) {
    thisWindow.dispatchEvent(Object.assign(new Event("message"), { source, origin, ports, data }));
    // penpal goes on in microtasks.
    await new Promise(setImmediate);
  }

  return { port, posted, onHandshake, onClosed, onOpened, deliver, types: () => posted.map(toType) };
}

interface Delivery {
  readonly source?: object;
  readonly origin?: string;
  readonly ports?: readonly MessagePort[];
}

function toType({ message }: Posted): string {
  return message.type;
}

/** The remote side's end of a channel, and the end transferred with the ACK2. */
function createChannel() {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => {
    port1.close();
    port2.close();
  });
  return { own: port1, transferred: port2 };
}

/** The side with the higher id leads the handshake. penpal's own ids lie between these two. */
const FOLLOWER_SYN = { namespace: "penpal", type: "SYN", participantId: "!" };
const LEADER_SYN = { namespace: "penpal", type: "SYN", participantId: "~" };
/** The SYN of another document in the same window. */
const NEXT_SYN = { namespace: "penpal", type: "SYN", participantId: "!!" };

const ACK1 = { namespace: "penpal", type: "ACK1", methodPaths: [["post"]] };
const ACK2 = { namespace: "penpal", type: "ACK2" };
const CALL = { namespace: "penpal", type: "CALL", id: "1", methodPath: ["post"], args: [{ type: "TEST.ASK" }] };

test("leads a handshake: posts ACK1, and opens over the port that comes with ACK2", async () => {
  const { types, posted, onOpened, onHandshake, deliver } = setUp();
  await deliver(FOLLOWER_SYN);
  expect(types()).toEqual(["SYN", "SYN", "ACK1"]);
  expect(onOpened).not.toHaveBeenCalled();
  await deliver(ACK2, { ports: [createChannel().transferred] });
  expect(onOpened).toHaveBeenCalledOnce();
  expect(onHandshake).toHaveBeenCalledExactlyOnceWith(ORIGIN);
  expect(new Set(posted.map(({ targetOrigin }) => targetOrigin))).toEqual(new Set([ORIGIN]));
});

test("follows in a handshake: opens over a port of its own, which it posts with ACK2", async () => {
  const { types, posted, onOpened, deliver } = setUp();
  await deliver(LEADER_SYN);
  await deliver(ACK1);
  expect(types()).toEqual(["SYN", "SYN", "ACK2"]);
  expect(posted.at(-1)?.transfer).toHaveLength(1);
  expect(onOpened).toHaveBeenCalledOnce();
});

test("posts nothing but a SYN with an id before it knows which of several origins is there", async () => {
  const { posted, deliver } = setUp({ allowedOrigins: [ORIGIN, OTHER] });
  expect(posted).toEqual([
    {
      message: { namespace: "penpal", type: "SYN", participantId: expect.any(String) },
      targetOrigin: "*",
      transfer: [],
    },
  ]);
  await deliver(FOLLOWER_SYN, { origin: OTHER });
  expect(posted.slice(1).map(({ targetOrigin }) => targetOrigin)).toEqual([OTHER, OTHER]);
});

/** Origins in events of extensions and apps, each with a similar origin. */
const SHELLS = [
  ["chrome-extension://jkeeabcdefghijklmnopabcdefghijkl", "chrome-extension://jkeeabcdefghijklmnopabcdefghijka"],
  ["moz-extension://5f0c9a17-3a86-4d6e-9b0d-1c2d3e4f5a6b", "chrome-extension://5f0c9a17-3a86-4d6e-9b0d-1c2d3e4f5a6b"],
  ["app://desk", "app://desktop"],
  ["tauri://localhost", "http://localhost"],
  ["https://tauri.localhost", "http://tauri.localhost"],
  ["capacitor://localhost", "ionic://localhost"],
  ["ionic://localhost", "ionic://localhost:8080"],
  ["https://localhost", "http://localhost"],
  ["https://appassets.androidplatform.net", "https://androidplatform.net"],
] as const;

test.each(SHELLS)("connects to a page of %s and posts to this origin alone, and ignores %s", async (shell, other) => {
  const { posted, onHandshake, deliver } = setUp({ allowedOrigins: [OTHER, shell] });
  await deliver(FOLLOWER_SYN, { origin: other });
  expect(onHandshake).not.toHaveBeenCalled();
  await deliver(FOLLOWER_SYN, { origin: shell });
  expect(onHandshake).toHaveBeenCalledExactlyOnceWith(shell);
  expect(posted.slice(1).map(({ targetOrigin }) => targetOrigin)).toEqual([shell, shell]);
});

test.each<[string, Delivery]>([
  ["another window", { source: {} }],
  ["an origin that is not on the list", { origin: "https://widget.example.com.evil.test" }],
  ["an opaque origin", { origin: "null" }],
])("ignores a handshake from %s", async (_sender, delivery) => {
  const { types, onHandshake, onOpened, deliver } = setUp();
  await deliver(FOLLOWER_SYN, delivery);
  await deliver(ACK1, delivery);
  await deliver(ACK2, { ...delivery, ports: [createChannel().transferred] });
  expect(types()).toEqual(["SYN"]);
  expect(onHandshake).not.toHaveBeenCalled();
  expect(onOpened).not.toHaveBeenCalled();
});

test.each([
  CALL,
  { namespace: "penpal", type: "DESTROY" },
  { namespace: "penpal", type: "REPLY", callId: "1", value: 1 },
])("ignores a window message that belongs over the port: $type", async (message) => {
  const receive = vi.fn();
  const { onClosed, deliver } = setUp({ receive });
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [createChannel().transferred] });
  await deliver(message);
  expect(receive).not.toHaveBeenCalled();
  expect(onClosed).not.toHaveBeenCalled();
});

test.each([null, 1, "SYN", [], { type: "SYN", participantId: "!" }, { namespace: "other", type: "SYN" }])(
  "ignores the window message %j, which is none of penpal's",
  async (data) => {
    const { types, onHandshake, deliver } = setUp();
    await deliver(data);
    expect(types()).toEqual(["SYN"]);
    expect(onHandshake).not.toHaveBeenCalled();
  },
);

test("ignores an ACK2 that brings no port", async () => {
  const { onOpened, deliver } = setUp();
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2);
  expect(onOpened).not.toHaveBeenCalled();
});

test("posts nothing to a blank frame, and answers the SYN of the document that comes", async () => {
  const { types } = setUp({ isBlank: true });
  expect(types()).toEqual([]);
});

test("reports a SYN with another id as a new handshake, and the same id once", async () => {
  const { onHandshake, deliver } = setUp();
  await deliver(FOLLOWER_SYN);
  await deliver(FOLLOWER_SYN);
  expect(onHandshake).toHaveBeenCalledOnce();
  await deliver(NEXT_SYN);
  expect(onHandshake).toHaveBeenCalledTimes(2);
});

test.each<[string, object]>([
  ["ACK2", ACK2],
  ["ACK1", ACK1],
])("reports %s over an open port as a new handshake, and uses the new port", async (type, message) => {
  const received: unknown[] = [];
  const receive = (event: unknown): void => void received.push(event);
  const { posted, onHandshake, onClosed, deliver } = setUp({ receive });
  const first = createChannel();
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [first.transferred] });
  const second = createChannel();
  await deliver(message, { ports: type === "ACK2" ? [second.transferred] : [] });
  expect(onHandshake).toHaveBeenCalledTimes(2);
  expect(onClosed).not.toHaveBeenCalled();
  const next = type === "ACK2" ? second.own : posted.at(-1)?.transfer[0];
  next?.postMessage(CALL);
  await expect.poll(() => received).toEqual([{ type: "TEST.ASK" }]);
  first.own.postMessage(CALL);
  next?.postMessage({ ...CALL, args: [{ type: "TEST.LAST" }] });
  await expect.poll(() => received).toEqual([{ type: "TEST.ASK" }, { type: "TEST.LAST" }]);
});

test("rejects a pending call when it is closed, closes the other side, and ignores what comes after", async () => {
  const { port, types, onClosed, onHandshake, deliver } = setUp();
  const { own, transferred } = createChannel();
  const messages: unknown[] = [];
  own.onmessage = ({ data }) => messages.push(data.type);
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [transferred] });
  const reply = port.post({ type: "TEST.ASK" });
  port.close();
  await expect(reply).rejects.toMatchObject({ code: "CONNECTION_DESTROYED" });
  await expect.poll(() => messages).toEqual(["CALL", "DESTROY"]);
  expect(onClosed).toHaveBeenCalledOnce();
  const before = types();
  await deliver(NEXT_SYN);
  expect(types()).toEqual(before);
  expect(onHandshake).toHaveBeenCalledOnce();
});

test("rejects a call before the handshake, and one while the other side's document is being replaced", async () => {
  const { port, deliver } = setUp();
  await expect(port.post({ type: "TEST.ASK" })).rejects.toThrow("not connected");
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [createChannel().transferred] });
  await deliver(NEXT_SYN);
  await expect(port.post({ type: "TEST.ASK" })).rejects.toThrow("not connected");
});

test("drops the reply to a call of a document that has gone", async () => {
  let reply = (_value: unknown): void => {};
  const receive = vi.fn(() => new Promise((resolve) => (reply = resolve)));
  const { types, deliver } = setUp({ receive });
  const { own, transferred } = createChannel();
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [transferred] });
  own.postMessage(CALL);
  await expect.poll(() => receive.mock.calls).toHaveLength(1);
  await deliver(NEXT_SYN);
  reply("too late");
  await new Promise(setImmediate);
  // An error here would be one in the console of the page or of the widget: the test's runner reports it.
  expect(types()).toEqual(["SYN", "SYN", "ACK1", "SYN", "ACK1"]);
});

test("closes when the other side has closed the connection", async () => {
  const { onClosed, deliver } = setUp();
  const { own, transferred } = createChannel();
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [transferred] });
  own.postMessage({ namespace: "penpal", type: "DESTROY" });
  await expect.poll(() => onClosed.mock.calls).toHaveLength(1);
});

test("ignores a message over a closed port, which Firefox may still deliver after the next handshake has begun", async () => {
  const { onClosed, deliver } = setUp();
  const { transferred } = createChannel();
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [transferred] });
  await deliver(NEXT_SYN);
  transferred.dispatchEvent(new MessageEvent("message", { data: { namespace: "penpal", type: "DESTROY" } }));
  expect(onClosed).not.toHaveBeenCalled();
});

test.each<[string, (world: ReturnType<typeof setUp>) => unknown]>([
  ["another document comes", ({ deliver }) => deliver(NEXT_SYN)],
  ["this side closes the connection", ({ port }) => port.close()],
])("closes its end of the channel when %s, so that the browser frees both", async (_when, act) => {
  const world = setUp();
  const { own, transferred } = createChannel();
  const onPortClosed = vi.fn();
  own.addEventListener("close", onPortClosed);
  own.start();
  await world.deliver(FOLLOWER_SYN);
  await world.deliver(ACK2, { ports: [transferred] });
  await act(world);
  await expect.poll(() => onPortClosed.mock.calls).toHaveLength(1);
});

test("keeps the connection when the other side's SYN comes a second time, after the handshake", async () => {
  const received: unknown[] = [];
  const { onHandshake, deliver } = setUp({ receive: (event) => void received.push(event) });
  const { own, transferred } = createChannel();
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [transferred] });
  await deliver(FOLLOWER_SYN);
  own.postMessage(CALL);
  await expect.poll(() => received).toEqual([{ type: "TEST.ASK" }]);
  expect(onHandshake).toHaveBeenCalledOnce();
});

test("ignores what comes over the port and is none of penpal's", async () => {
  const received: unknown[] = [];
  const { deliver } = setUp({ receive: (event) => void received.push(event) });
  const { own, transferred } = createChannel();
  await deliver(FOLLOWER_SYN);
  await deliver(ACK2, { ports: [transferred] });
  own.postMessage({ ...CALL, namespace: "other", args: [{ type: "TEST.FORGED" }] });
  own.postMessage(CALL);
  await expect.poll(() => received).toEqual([{ type: "TEST.ASK" }]);
});

test("takes no port from a SYN", async () => {
  const receive = vi.fn();
  const { deliver } = setUp({ receive });
  const [early, later] = [createChannel(), createChannel()];
  await deliver(FOLLOWER_SYN, { ports: [early.transferred] });
  early.own.postMessage({ ...CALL, args: [{ type: "TEST.EARLY" }] });
  await deliver(ACK2, { ports: [later.transferred] });
  later.own.postMessage(CALL);
  await expect.poll(() => receive.mock.calls).toEqual([[{ type: "TEST.ASK" }]]);
});

test("posts nothing, and throws nothing, if there is no window at the other end", () => {
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("removeEventListener", () => {});
  onTestFinished(() => void vi.unstubAllGlobals());
  const onClosed = vi.fn();
  openWindowPort(
    () => {},
    null,
    [ORIGIN],
    () => {},
    onClosed,
  ).close();
  expect(onClosed).toHaveBeenCalledOnce();
});
