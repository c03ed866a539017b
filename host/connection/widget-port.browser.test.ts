/** The page's end of the bus in a real browser, with the built widget, which uses penpal, on another site. */
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { openWidgetPort, type WidgetPort } from "./widget-port.ts";

const origin = inject("widgetOrigin");

interface Opened {
  readonly port: WidgetPort;
  readonly frame: HTMLIFrameElement;
  readonly onGreeted: ReturnType<typeof vi.fn>;
}

/** Mounts the widget and opens a port to it. */
async function open(): Promise<Opened> {
  const frame = document.createElement("iframe");
  frame.src = `${origin}/widget/`;
  document.body.append(frame);
  onTestFinished(() => frame.remove());
  const onGreeted = vi.fn();
  const port = await new Promise<WidgetPort>((resolve) => {
    const opening = openWidgetPort(frame.contentWindow, origin, {
      receive: () => undefined,
      onGreeted,
      onOpened: () => resolve(opening),
      onEnded: () => {},
    });
    onTestFinished(() => opening.close());
  });
  return { port, frame, onGreeted };
}

test("shakes hands with penpal, and gets the answer to each of its calls", async () => {
  const { port, onGreeted } = await open();
  const answers = await Promise.all([port.post({ type: "BUS.PING" }), port.post({ type: "NO.SUCH" }), port.post(null)]);
  expect(answers).toEqual([
    { type: "BUS.PING_FULFILLED", payload: {} },
    expect.objectContaining({ type: "NO.SUCH_REJECTED" }),
    expect.objectContaining({ type: "BUS.INVALID_EVENT_REJECTED" }),
  ]);
  expect(onGreeted).toHaveBeenCalledOnce();
});

test("hears another document greet in the same window", async () => {
  const { frame, onGreeted } = await open();
  frame.src = `${origin}/widget/?again`;
  await expect.poll(() => onGreeted.mock.calls.length).toBe(2);
});

test("leaves no call pending when it is closed: nobody must take the silence for a hang", async () => {
  const { port } = await open();
  const answer = port.post({ type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } });
  port.close();
  expect(await answer).toBeUndefined();
});
