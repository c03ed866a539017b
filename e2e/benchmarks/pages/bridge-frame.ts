/** The real widget over a backend that answers at once, so that no network is in the figure. */
import { startWidget } from "../../../widget/start-widget.ts";
import { failUnexpectedCall, unusedGateway } from "../../../widget/test/test-gateway-client.ts";
import { AVAILABILITY } from "./exchange.js";

startWidget({
  parent: window.parent,
  allowedOrigins: [document.body.dataset["host"] ?? ""],
  createGateway: () => ({ ...unusedGateway, fetchAvailability: () => Promise.resolve(AVAILABILITY) }),
  loadLive: failUnexpectedCall,
  onSettled: () => {},
});
