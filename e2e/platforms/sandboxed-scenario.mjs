// @ts-check
/** A component of Salesforce that uses the package. The sandbox runs the text of each function, so no function uses this module. */

/**
 * @typedef {import("../../host/index.ts").Connector} Connector
 * @typedef {object} Product the package as a component has it
 * @property {typeof import("../../host/index.ts").connect} connect
 * @property {typeof import("../../host/index.ts").defineAvailabilityBadge} defineAvailabilityBadge
 */

/** The steps of a component on which everything works. */
export const WORKS = Object.fromEntries(
  ["request", "error", "watch", "badge", "abort", "removal", "return", "reload", "destroy"].map((step) => [step, "ok"]),
);

/**
 * Uses every part of the package in `#component`, and returns `"ok"` or the fault of each step.
 *
 * @param {Product} product
 * @param {string} src the widget's address
 * @param {number} limitMs the limit of a step, in milliseconds
 * @param {() => void} changeAgent makes the gateway change agent 123 from `available` to `out_for_lunch`, and returns at once
 * @returns {Promise<Record<string, string>>}
 */
export async function useAsComponent({ connect, defineAvailabilityBadge }, src, limitMs, changeAgent) {
  /** @type {Record<string, string>} */
  const steps = {};
  /** @param {unknown} error */
  const describe = (error) => `${Object(error).code ?? Object(error).message ?? error}`;
  /** @param {string} what @param {() => boolean} isTrue */
  async function waitFor(what, isTrue) {
    for (const start = performance.now(); !isTrue(); ) {
      if (performance.now() - start > limitMs) throw new Error(`no ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  /** @param {string} name @param {() => Promise<void>} run */
  async function step(name, run) {
    try {
      await run();
      steps[name] = "ok";
    } catch (error) {
      steps[name] = describe(error);
    }
  }
  /** @param {string} code @param {Promise<unknown>} promise */
  async function expectRejection(code, promise) {
    const outcome = await promise.then(() => "fulfilled", describe);
    if (outcome !== code) throw new Error(`${outcome}, not ${code}`);
  }
  const container = document.querySelector("#component");
  const parent = container?.parentElement;
  if (!container || !parent) throw new Error("no component");
  const frame = () => container.querySelector("iframe");
  /** @type {Connector | undefined} */
  let connector;
  const use = () => {
    if (!connector) throw new Error("no connector");
    return connector;
  };
  /** @param {number} userId @param {AbortSignal} [signal] */
  const ask = (userId, signal) =>
    use().request(
      "API.FETCH_USER_AVAILABILITY",
      { variables: { userId } },
      { timeoutMs: limitMs, ...(signal && { signal }) },
    );
  /** @type {string[]} */
  const heard = [];

  await step("request", async () => {
    connector = connect({ src, container, handshakeTimeoutMs: limitMs });
    const { status } = await ask(123);
    if (status !== "available") throw new Error(`status ${status}`);
  });
  if (!connector) return steps;
  await step("error", async () => {
    const error = await ask(404).then(
      () => ({}),
      (reason) => reason,
    );
    if (Object(error).status !== 404) throw new Error(`${describe(error)}, not 404`);
  });
  await step("badge", async () => {
    defineAvailabilityBadge(use());
    container.insertAdjacentHTML("beforeend", '<availability-badge user-id="123"></availability-badge>');
    await waitFor(
      "badge",
      () => container.querySelector("availability-badge")?.getAttribute("data-state") === "available",
    );
  });
  await step("watch", async () => {
    use().watch([123], ({ status }) => heard.push(status), { onStatus: ({ status }) => heard.push(status) });
    await waitFor("live", () => heard.includes("live"));
    changeAgent();
    await waitFor("change", () => heard.includes("out_for_lunch"));
    await waitFor(
      "badge of the change",
      () => container.querySelector("availability-badge")?.getAttribute("data-reason") === "out_for_lunch",
    );
  });
  await step("abort", async () => {
    const controller = new AbortController();
    const asked = ask(123, controller.signal);
    controller.abort(new Error("left"));
    await expectRejection("left", asked);
  });
  await step("removal", async () => {
    frame()?.remove();
    await ask(123);
  });
  await step("return", async () => {
    // A component whose tab is left and opened again.
    container.remove();
    await expectRejection("WIDGET_UNAVAILABLE", ask(123)).catch(() => expectRejection("CONNECTION_CLOSED", ask(123)));
    parent.append(container);
    await ask(123);
  });
  await step("reload", async () => {
    const before = frame();
    if (before) before.src = `${before.src}`;
    await ask(123);
  });
  await step("destroy", async () => {
    use().destroy();
    await expectRejection("CONNECTION_CLOSED", ask(123));
    if (frame()) throw new Error("the frame stays");
    await waitFor(
      "unknown badge",
      () => container.querySelector("availability-badge")?.getAttribute("data-state") === "unknown",
    );
  });
  return steps;
}
