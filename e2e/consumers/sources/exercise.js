/** Uses the package as a page's own test would. Throws an error that says what is wrong. No widget answers at the address. */
export async function exercise({ connect, defineAvailabilityBadge, isBusError, readAvailability }) {
  function expectEqual(name, actual, expected) {
    if (actual !== expected) throw new Error(`${name}: expected ${expected}, not ${actual}`);
  }

  expectEqual("callable", readAvailability({ status: "available" }).callable, true);
  const connector = connect({ src: "http://127.0.0.1:9/widget/", handshakeTimeoutMs: 50 });
  connector.ready.catch(() => {});
  const frame = document.querySelector("iframe");
  expectEqual("sandbox", frame.getAttribute("sandbox"), "allow-scripts allow-same-origin");

  defineAvailabilityBadge(connector);
  const badge = document.createElement("availability-badge");
  badge.setAttribute("user-id", "123");
  document.body.appendChild(badge);
  expectEqual("badge", badge.getAttribute("data-state"), "loading");

  const error = await connector
    .request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } })
    .catch((reason) => reason);
  expectEqual("isBusError", isBusError(error), true);
  expectEqual("code", error.code, "WIDGET_UNAVAILABLE");
  connector.destroy();
  expectEqual("frame after destroy", document.querySelector("iframe"), null);
  expectEqual("badge after destroy", badge.getAttribute("data-state"), "unknown");
  return "passed";
}
