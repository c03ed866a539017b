/** The page's end of the message channel in a real browser, with the built widget on another site. */
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { openWindowPort, type Port } from "./penpal-port.ts";

const origin = inject("widgetOrigin");

interface Opened {
  readonly port: Port;
  readonly frame: HTMLIFrameElement;
  readonly onHandshake: ReturnType<typeof vi.fn>;
}

/** Mounts the widget and opens a port to it. */
async function open(): Promise<Opened> {
  const frame = document.createElement("iframe");
  frame.src = `${origin}/widget/`;
  document.body.append(frame);
  onTestFinished(() => frame.remove());
  const onHandshake = vi.fn();
  const port = openWindowPort(
    () => undefined,
    frame.contentWindow,
    [origin],
    onHandshake,
    () => {},
  );
  onTestFinished(() => port.close());
  await port.opened;
  return { port, frame, onHandshake };
}

test("shakes hands with penpal, and gets the answer to each of its calls", async () => {
  const { port, onHandshake } = await open();
  const answers = await Promise.all([port.post({ type: "BUS.PING" }), port.post({ type: "NO.SUCH" }), port.post(null)]);
  expect(answers).toEqual([
    { type: "BUS.PING_FULFILLED", payload: {} },
    expect.objectContaining({ type: "NO.SUCH_REJECTED" }),
    expect.objectContaining({ type: "BUS.INVALID_EVENT_REJECTED" }),
  ]);
  expect(onHandshake).toHaveBeenCalledOnce();
});

test("hears another document greet in the same window", async () => {
  const { frame, onHandshake } = await open();
  frame.src = `${origin}/widget/?again`;
  await expect.poll(() => onHandshake.mock.calls.length).toBe(2);
});

test("leaves no call pending when it is closed: a missing reply would pass for a widget that hangs", async () => {
  const { port } = await open();
  const reply = port.post({ type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } });
  port.close();
  await expect(reply).rejects.toMatchObject({ code: "CONNECTION_DESTROYED" });
});
