/** Switches for faults of the backend, of the widget's frame and of the network. */
import { getElement } from "./elements.ts";

/** Connects the switches. The backend's need the demo server. */
export function createFaultSwitches(): void {
  const note = getElement("fault-note", HTMLElement);
  const backend = getElement("backend-faults", HTMLFieldSetElement);
  const offline = getElement("offline", HTMLInputElement);

  function findFrame(): HTMLIFrameElement | null {
    return document.querySelector<HTMLIFrameElement>("#phone iframe");
  }

  const frameFaults: Readonly<Record<string, (frame: HTMLIFrameElement) => string>> = {
    reload(frame) {
      frame.setAttribute("src", frame.src);
      return "The widget's frame loads again.";
    },
    crash(frame) {
      // The frame stays without a widget, as after a crash of the process.
      frame.contentWindow?.location.replace("about:blank");
      return "The widget is gone. The connector notices, and loads it anew.";
    },
    remove(frame) {
      frame.remove();
      return "The frame is removed. The next request mounts another one.";
    },
  };

  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-frame-fault]")) {
    button.addEventListener("click", () => {
      const frame = findFrame();
      const play = frameFaults[button.dataset["frameFault"] ?? ""];
      note.textContent = frame && play ? play(frame) : "There is no frame at the moment.";
    });
  }

  async function setFault(fault: string): Promise<boolean> {
    const answer = await callDemoServer(`/${fault}`, "POST");
    if (answer === undefined) note.textContent = "The demo server did not answer. Is npm start still running?";
    return answer !== undefined;
  }

  backend.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    void setFault(target.value).then((isSet) => {
      if (isSet) note.textContent = target.dataset["note"] ?? "";
    });
  });

  // A page cannot take the browser off the network: the proxy breaks off all connections, and the page gets the browser's events.
  offline.addEventListener("change", () => {
    backend.disabled = offline.checked;
    const chosen = backend.querySelector<HTMLInputElement>("input:checked")?.value ?? "none";
    void setFault(offline.checked ? "unreachable" : chosen).then(() => {
      window.dispatchEvent(new Event(offline.checked ? "offline" : "online"));
      note.textContent = offline.checked ? "Offline: nothing reaches the backend." : "Online again.";
    });
  });

  void callDemoServer("", "GET").then((fault) => {
    backend.disabled = offline.disabled = fault === undefined;
    for (const input of backend.querySelectorAll("input")) input.checked = input.value === (fault ?? "none");
    if (fault === undefined) note.textContent = "Faults of the backend work only under npm start.";
  });
}

/** Returns the present fault, or `undefined` if no demo server responds. */
async function callDemoServer(path: string, method: "GET" | "POST"): Promise<string | undefined> {
  try {
    const response = await fetch(`/demo/fault${path}`, { method });
    const { fault } = Object(response.ok ? await response.json() : undefined);
    return typeof fault === "string" ? fault : undefined;
  } catch {
    // The demo server has stopped, or a server without the route has sent an HTML page.
    return undefined;
  }
}
