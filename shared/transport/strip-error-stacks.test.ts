import { type Message, PortMessenger } from "penpal";
import { expect, onTestFinished, test } from "vitest";
import { openPort } from "./penpal-port.ts";

/** What the other side hears of a call of the given method, over penpal, on this side's real port. */
async function call(methodPath: readonly string[], receive: () => unknown): Promise<Message[]> {
  const { port1, port2 } = new MessageChannel();
  const widget = openPort(new PortMessenger({ port: port1 }), receive);
  const host = openPort(new PortMessenger({ port: port2 }), () => undefined);
  onTestFinished(() => {
    host.close();
    widget.close();
  });
  await host.opened;
  const heard: Message[] = [];
  const replied = new Promise<void>((resolve) => {
    port2.addEventListener("message", ({ data }: MessageEvent) => {
      heard.push(data);
      resolve();
    });
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
