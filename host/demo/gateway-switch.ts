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
  let running = true;
  let busy = false;

  function show(text: string): void {
    button.textContent = running ? "Backend down" : "Start backend";
    note.textContent = text;
  }

  function setBusy(next: boolean): void {
    busy = next;
    // Not `disabled`, which would take the keyboard's focus away in the middle of it.
    button.setAttribute("aria-disabled", String(next));
  }

  async function flip(): Promise<void> {
    if (busy) return;
    setBusy(true);
    note.textContent = running ? "Stopping the gateway…" : "Starting the gateway…";
    const answer = await askDemoServer(running ? "/stop" : "/start", "POST");
    setBusy(false);
    if (answer === undefined) return show(NOTES.silent);
    running = answer;
    show(running ? NOTES.running : NOTES.stopped);
    onSwitched(running);
  }

  async function begin(): Promise<void> {
    const answer = await askDemoServer("", "GET");
    if (answer === undefined) return show(NOTES.missing);
    running = answer;
    button.disabled = false;
    show(running ? NOTES.running : NOTES.stopped);
  }

  button.addEventListener("click", () => void flip());
  void begin();
}

/** Whether the gateway runs, or `undefined` where no demo server says so. */
async function askDemoServer(path: string, method: "GET" | "POST"): Promise<boolean | undefined> {
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
