/** The button that really stops and starts the backend, by way of the demo server that serves this page. */
import { getElement } from "./elements.ts";

const NOTES = {
  running: "Stops the gateway's process, then asks agent 123 again.",
  stopped: "The gateway is stopped. Start it and ask agent 123 again.",
  missing: "Works only under npm start, where a demo server runs the gateway.",
  silent: "The demo server did not answer. Is npm start still running?",
};

/** Brings the switch to life. `onSwitched` is called after each time that the backend went down or came back. */
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
    // Not `disabled`, which would take the keyboard's focus away in the middle of it.
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

/** Whether the gateway runs, or `undefined` where no demo server says so. */
async function callDemoServer(path: string, method: "GET" | "POST"): Promise<boolean | undefined> {
  try {
    const response = await fetch(`/demo/gateway${path}`, { method });
    const body: unknown = response.ok ? await response.json() : undefined;
    if (typeof body !== "object" || body === null || !("running" in body)) return undefined;
    return typeof body.running === "boolean" ? body.running : undefined;
  } catch {
    // Another server may answer with a page, and one that has gone away with nothing: neither can switch the gateway.
    return undefined;
  }
}
