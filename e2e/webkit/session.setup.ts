/** One WebKit for the whole run: an X server without a screen, WebKit's WebDriver, and a WebDriver session. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setInterval } from "node:timers/promises";
import type { TestProject } from "vitest/node";
import { findWebKit } from "../../scripts/testing/browsers.mjs";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { command, endSession } from "./webdriver.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The address of the WebDriver session. */
    readonly webKitSession: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const webKit = findWebKit();
  if (!webKit) throw new Error("No WebKit for the tests: install webkit2gtk-driver and xvfb");
  const stops: (() => Promise<void>)[] = [];
  async function stopAll(): Promise<void> {
    const stop = stops.pop();
    try {
      await stop?.();
    } finally {
      if (stop) await stopAll();
    }
  }
  try {
    const display = await startDisplay(webKit.display, stops);
    const driver = await startDriver(webKit.driver, display, stops);
    const session = await startSession(driver, stops);
    provide("webKitSession", session);
    return stopAll;
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** Starts an X server, which picks a free display, and returns the display's name. */
async function startDisplay(program: string, stops: (() => Promise<void>)[]): Promise<string> {
  const server = spawn(program, ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  stops.push(stopper(server));
  // The server prints the display's name when it is ready.
  const [name] = await Promise.race([once(server.stdio[3] as Readable, "data"), failure(server, program)]);
  return `:${String(name).trim()}`;
}

async function startDriver(program: string, display: string, stops: (() => Promise<void>)[]): Promise<string> {
  const port = await findFreePort();
  const driver = spawn(program, [`--port=${port}`, "--host=127.0.0.1"], {
    // The machine may have no graphics card.
    env: { ...process.env, DISPLAY: display, WEBKIT_DISABLE_DMABUF_RENDERER: "1", LIBGL_ALWAYS_SOFTWARE: "1" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  stops.push(stopper(driver));
  const address = `http://127.0.0.1:${port}`;
  await Promise.race([untilListening(`${address}/status`), failure(driver, program)]);
  return address;
}

/** Polls the driver until it responds, because the driver does not report that it listens. */
async function untilListening(address: string): Promise<void> {
  for await (const _ of setInterval(50, undefined, { signal: AbortSignal.timeout(10_000) })) {
    const answered = await fetch(address).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return;
  }
}

async function startSession(driver: string, stops: (() => Promise<void>)[]): Promise<string> {
  // Shorter than a test's time limit, so that the script reports an unsettled request before the runner does.
  const capabilities = { alwaysMatch: { timeouts: { script: 20_000, pageLoad: 20_000 } } };
  const { sessionId } = (await command(`${driver}/session`, { capabilities })) as { sessionId: string };
  const session = `${driver}/session/${sessionId}`;
  // The browser outlives its driver: only this request ends the browser, or the end of its display.
  stops.push(() => endSession(session));
  return session;
}

function stopper(child: ChildProcess): () => Promise<void> {
  const gone = once(child, "exit");
  // The processes end with the process that started them, even if interrupted.
  process.once("exit", () => child.kill());
  return async () => {
    child.kill();
    await gone;
  };
}

/** Rejects when a process ends, or fails to start. */
async function failure(child: ChildProcess, program: string): Promise<never> {
  const [code] = await once(child, "exit");
  throw new Error(`${program} ended with exit code ${code} instead of serving`);
}
