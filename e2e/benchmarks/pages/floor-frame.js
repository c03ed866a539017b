// @ts-check
/** The least code of an iframe: sends the same request to the same gateway. */
const meta = document.querySelector('meta[name="availability-bridge"]')?.getAttribute("content") ?? "";
const [host] = JSON.parse(meta).allowedOrigins;
addEventListener("message", ({ source, origin, data }) => {
  if (source === parent && origin === host) void answer(data);
});
parent.postMessage("ready", host);

/** @param {{ type: string, payload: { variables: { userId: number } } }} request */
async function answer({ type, payload }) {
  const response = await fetch(`../v1/users/${payload.variables.userId}/availability`, { cache: "no-store" });
  parent.postMessage({ type: `${type}_FULFILLED`, payload: await response.json() }, host);
}
