/** The real widget over a backend that answers at once, so that no network is in the figure. */
import { startWidget } from "../../widget/start.ts";
import { AVAILABILITY } from "./exchange.js";

startWidget({
  parent: window.parent,
  allowedOrigins: [document.body.dataset["host"] ?? ""],
  createGateway: () => ({
    fetchAvailability: () => Promise.resolve(AVAILABILITY),
    fetchAvailabilities: unasked,
    updateOwnAvailability: unasked,
    follow: unasked,
    prove: unasked,
    lend: unasked,
    goBy() {},
    statistics: { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 },
  }),
  loadLive: unasked,
  onSettled: () => {},
});

function unasked(): Promise<never> {
  return Promise.reject(new Error("This page asks for one user only"));
}
