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
  /** Clicks the first element in the page's frame that a CSS selector finds, as a person does. */
  clickInFrame(frame: number, selector: string): Promise<void>;
  /** Types key by key, into the element that has the focus. */
  type(text: string): Promise<void>;
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
  async function inFrame<Result>(frame: number, run: () => Promise<Result>): Promise<Result> {
    await command(`${session}/frame`, { id: frame });
    try {
      return await run();
    } finally {
      await command(`${session}/frame`, { id: null });
    }
  }
  return {
    async open(address) {
      await command(`${session}/url`, { url: address });
      // WebKit's driver sometimes responds before the page's modules have run, while the page is only interactive.
      await evaluate(untilLoaded);
    },
    title: async () => String(await command(`${session}/title`)),
    evaluate,
    evaluateInFrame: (frame, run, ...args) => inFrame(frame, () => evaluate(run, ...args)),
    clickInFrame: (frame, selector) =>
      inFrame(frame, async () => {
        const found = await command(`${session}/element`, { using: "css selector", value: selector });
        // An element is an object whose only key the protocol prescribes.
        const [id] = Object.values(Object(found));
        await command(`${session}/element/${String(id)}/click`, {});
      }),
    async type(text) {
      const actions = text.split("").flatMap((value) => ["keyDown", "keyUp"].map((type) => ({ type, value })));
      await command(`${session}/actions`, { actions: [{ type: "key", id: "keys", actions }] });
    },
  };
}
