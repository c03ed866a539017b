/** Uses the test kit as a page's own test would. Throws an error that says what is wrong. */
export async function exerciseTesting({ createTestConnector, defineAvailabilityBadge, isBusError, RejectedError }) {
  function expectEqual(name, actual, expected) {
    if (actual !== expected) throw new Error(`${name}: expected ${expected}, not ${actual}`);
  }

  const event = ["API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }];
  const tokens = ["t1", "t2"];
  const connector = createTestConnector({
    availabilities: { 123: { status: "available", wrapUpTimeConfig: 1, wrapUpTimeTtl: 1 }, 124: "offline" },
    userId: 123,
    fetchToken: () => tokens.shift() || "t2",
  });
  await connector.ready;
  expectEqual("status", (await connector.request(...event)).status, "available");

  connector.reject(event[0], { status: 503 }, 1);
  const error = await connector.request(...event).catch((reason) => reason);
  expectEqual("isBusError", isBusError(error), true);
  expectEqual("one class of errors", error instanceof RejectedError, true);
  expectEqual("status of the error", error.status, 503);

  const updated = await connector.request("API.UPDATE_AVAILABILITY", { status: "in_training" });
  expectEqual("updated", updated.status, "in_traning");
  const controller = new AbortController();
  connector.delay(60_000, "BUS.STATS");
  const aborted = connector.request("BUS.STATS", undefined, { signal: controller.signal }).catch((reason) => reason);
  controller.abort();
  expectEqual("aborted", (await aborted).name, "AbortError");

  // The end of the wrap-up time makes the widget read the agent again, with signals that jsdom lacks.
  const seen = [];
  await new Promise((resolve) => {
    connector.watch(
      [123, 124],
      ({ userId, status }) => {
        seen.push(`${userId} ${status}`);
        if (seen.length === 3) resolve();
      },
      {
        onStatus: ({ userId, status }) =>
          userId === 124 && status === "live" && connector.setAvailability(124, "in_call"),
      },
    );
  });
  expectEqual("seen", seen.join(), "123 in_traning,124 offline,124 in_call");
  await new Promise((resolve) => setTimeout(resolve, 1_100));

  defineAvailabilityBadge(connector);
  const badge = document.createElement("availability-badge");
  badge.setAttribute("user-id", "124");
  document.body.appendChild(badge);
  for (let rounds = 0; badge.getAttribute("data-state") !== "in_call" && rounds < 200; rounds += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expectEqual("badge", badge.getAttribute("data-state"), "in_call");

  connector.expireSession();
  expectEqual("with another token", (await connector.request(...event)).status, "in_traning");
  connector.expireSession();
  expectEqual("without", (await connector.dispatch({ type: event[0], payload: event[1] })).meta.status, 401);
  connector.disconnect();
  expectEqual("state", connector.state, "reconnecting");
  connector.reconnect();
  expectEqual("state", connector.state, "ready");
  connector.destroy();
  expectEqual("badge after destroy", badge.getAttribute("data-state"), "unknown");
  return "passed";
}
