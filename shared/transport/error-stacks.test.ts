import type { Message } from "penpal";
import { expect, onTestFinished, test, vi } from "vitest";
import { openWindowPort } from "./penpal-port.ts";

const ORIGIN = "https://widget.example.com";

/** Messages in reply to a call of the given method, over penpal, from the widget's real port. */
async function call(methodPath: readonly string[], receive: () => unknown): Promise<Message[]> {
  const ownWindow = new EventTarget();
  vi.stubGlobal("addEventListener", ownWindow.addEventListener.bind(ownWindow));
  vi.stubGlobal("removeEventListener", ownWindow.removeEventListener.bind(ownWindow));
  const remote = { postMessage() {}, location: { href: ORIGIN } };
  const widget = openWindowPort(
    receive,
    remote,
    [ORIGIN],
    () => {},
    () => {},
  );
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => {
    widget.close();
    port2.close();
    vi.unstubAllGlobals();
  });
  const deliver = (data: object, ports: readonly MessagePort[] = []) =>
    ownWindow.dispatchEvent(Object.assign(new Event("message"), { source: remote, origin: ORIGIN, ports, data }));
  deliver({ namespace: "penpal", type: "SYN", participantId: "!" });
  deliver({ namespace: "penpal", type: "ACK2" }, [port1]);
  await widget.opened;
  const heard: Message[] = [];
  const replied = new Promise<void>((resolve) => {
    port2.addEventListener("message", ({ data }: MessageEvent) => {
      heard.push(data);
      resolve();
    });
    port2.start();
  });
  port2.postMessage({ namespace: "penpal", type: "CALL", id: "1", methodPath, args: [] });
  await replied;
  return heard;
}

test.each([["nothing"], ["constructor"], ["__proto__"], ["toString"], ["hasOwnProperty"]])(
  "has no method %s, and says so without a stack",
  async (name) => {
    const [reply] = await call([name], () => 1);
    expect(reply).toMatchObject({ isError: true, value: { penpalCode: "METHOD_NOT_FOUND" } });
    expect(reply).not.toHaveProperty("value.stack");
  },
);

test("lets an error cross without its stack", async () => {
  const [reply] = await call(["post"], () => {
    throw new Error("mistake");
  });
  expect(reply).toMatchObject({ isError: true, value: { name: "Error", message: "mistake" } });
  expect(reply).not.toHaveProperty("value.stack");
});

test("lets an answer cross as it is", async () => {
  const [reply] = await call(["post"], () => ({ stack: "of plates" }));
  expect(reply).toMatchObject({ value: { stack: "of plates" } });
});
