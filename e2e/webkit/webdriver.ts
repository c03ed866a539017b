/** A page in a browser, driven over the parts of the W3C WebDriver protocol that the tests need. */

/** The page of a WebDriver session. */
export interface DrivenPage {
  /** Resolves when the page has loaded. */
  open(address: string): Promise<void>;
  title(): Promise<string>;
  /** Runs a function in the page, without its closure, and resolves with its result as JSON. */
  evaluate<Arguments extends readonly unknown[], Result>(
    run: (...args: Arguments) => Result | Promise<Result>,
    ...args: Arguments
  ): Promise<Result>;
  /** Runs a function in the page's frame of the given index, even a frame of another site. */
  evaluateInFrame<Arguments extends readonly unknown[], Result>(
    frame: number,
    run: (...args: Arguments) => Result | Promise<Result>,
    ...args: Arguments
  ): Promise<Result>;
}

/**
 * Sends a command: a GET without a body, otherwise a POST. @throws {Error} with the driver's message if the command
 * fails.
 */
export async function command(address: string, body?: object): Promise<unknown> {
  return send(address, body ? { method: "POST", body: JSON.stringify(body) } : { method: "GET" });
}

/** Ends a session, and its browser. */
export async function endSession(session: string): Promise<void> {
  await send(session, { method: "DELETE" });
}

async function send(address: string, request: RequestInit): Promise<unknown> {
  const response = await fetch(address, request);
  const { value } = (await response.json()) as { value: unknown };
  if (response.ok) return value;
  throw new Error(`${new URL(address).pathname}: ${JSON.stringify(value)}`);
}

/** Runs in the page. */
function untilLoaded(): Promise<void> {
  return new Promise((resolve) => {
    if (document.readyState === "complete") resolve();
    else addEventListener("load", () => resolve());
  });
}

/** Drives the page of the session at the given address. */
export function drivePage(session: string): DrivenPage {
  const evaluate: DrivenPage["evaluate"] = async (run, ...args) => {
    // As text, because the driver has no `undefined` and treats some objects as elements.
    const script = `const [args, done] = arguments;
      Promise.resolve(JSON.parse(args)).then((values) => (${String(run)})(...values)).then(
        (value) => done(JSON.stringify({ value })),
        (error) => done(JSON.stringify({ error: String(error) })),
      );`;
    const answer = await command(`${session}/execute/async`, { script, args: [JSON.stringify(args)] });
    const { value, error } = JSON.parse(String(answer));
    if (error !== undefined) throw new Error(`In the page: ${error}`);
    return value;
  };
  return {
    async open(address) {
      await command(`${session}/url`, { url: address });
      // WebKit's driver sometimes responds before the page's modules have run, while the page is only interactive.
      await evaluate(untilLoaded);
    },
    title: async () => String(await command(`${session}/title`)),
    evaluate,
    async evaluateInFrame(frame, run, ...args) {
      await command(`${session}/frame`, { id: frame });
      try {
        return await evaluate(run, ...args);
      } finally {
        await command(`${session}/frame`, { id: null });
      }
    },
  };
}
