/** The button that stops and starts the gateway's process through the demo server. */
import { getElement } from "./elements.ts";

const NOTES = {
  running: "Stops the gateway's process, then asks agent 123 again.",
  stopped: "The gateway is stopped. Start it and ask agent 123 again.",
  missing: "Works only under npm start, where a demo server runs the gateway.",
  silent: "The demo server did not answer. Is npm start still running?",
};

/** Connects the button to the demo server. `onSwitched` is called each time the gateway has stopped or started. */
export function createGatewaySwitch(onSwitched: (running: boolean) => void): void {
  const button = getElement("gateway-switch", HTMLButtonElement);
  const note = getElement("gateway-note", HTMLElement);
  let isRunning = true;
  let isBusy = false;

  function show(text: string): void {
    button.textContent = isRunning ? "Backend down" : "Start backend";
    note.textContent = text;
  }

  function setBusy(next: boolean): void {
    isBusy = next;
    // Not `disabled`: a disabled button would lose the keyboard's focus.
    button.setAttribute("aria-disabled", String(next));
  }

  async function toggle(): Promise<void> {
    if (isBusy) return;
    setBusy(true);
    note.textContent = isRunning ? "Stopping the gateway…" : "Starting the gateway…";
    const answer = await callDemoServer(isRunning ? "/stop" : "/start", "POST");
    setBusy(false);
    if (answer === undefined) return show(NOTES.silent);
    isRunning = answer;
    show(isRunning ? NOTES.running : NOTES.stopped);
    onSwitched(isRunning);
  }

  async function showInitialState(): Promise<void> {
    const answer = await callDemoServer("", "GET");
    if (answer === undefined) return show(NOTES.missing);
    isRunning = answer;
    button.disabled = false;
    show(isRunning ? NOTES.running : NOTES.stopped);
  }

  button.addEventListener("click", () => void toggle());
  void showInitialState();
}

/** Returns true if the gateway runs, or `undefined` if no demo server responds. */
async function callDemoServer(path: string, method: "GET" | "POST"): Promise<boolean | undefined> {
  try {
    const response = await fetch(`/demo/gateway${path}`, { method });
    const body: unknown = response.ok ? await response.json() : undefined;
    if (typeof body !== "object" || body === null || !("running" in body)) return undefined;
    return typeof body.running === "boolean" ? body.running : undefined;
  } catch {
    // The demo server has stopped, or a server without the route has sent an HTML page.
    return undefined;
  }
}
