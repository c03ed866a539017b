import { defineAvailabilityBadge } from "availability-bridge/badge";

/**
 * Fills the badges of a server-rendered page before its framework hydrates it, as the script tag does, and then hydrates it. `hydrate`
 * resolves when the page is alive. Throws an error that says what the framework has complained of or lost.
 */
export async function exerciseHydration(hydrate) {
  const watched = [];
  defineAvailabilityBadge({
    state: "ready",
    onStateChange: () => () => {},
    watch(userId, listener, { onStatus }) {
      watched.push(userId);
      listener({ userId, status: "available", version: 1 });
      onStatus({ userId, status: "live" });
      return () => {};
    },
  });
  const complaints = [];
  for (const name of ["error", "warn"]) console[name] = (...words) => complaints.push(words.join(" "));
  const badge = document.querySelector("availability-badge");
  const input = document.querySelector("input");
  input.value = "typed before";
  const describe = () =>
    [
      badge.isConnected,
      badge.shadowRoot.textContent,
      badge.getAttribute("data-callable"),
      input.isConnected,
      input.value,
    ].join();
  const before = describe();
  await hydrate((error) => complaints.push(`recovered: ${error}`));
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
  if (before !== "true,Available,true,true,typed before" || describe() !== before) throw new Error(describe());
  const changed = new Promise((resolve) => {
    new MutationObserver(resolve).observe(badge, { attributeFilter: ["user-id"] });
  });
  document.querySelector("button").click();
  await changed;
  if (watched.join() !== "123,124" || describe() !== before) throw new Error(`${watched.join()}: ${describe()}`);
  return "passed";
}
