/** The real widget over a backend that responds at once, so that the figure contains no network. */
import { startWidget } from "../../../widget/start-widget.ts";
import { failUnexpectedCall, unusedGateway } from "../../../widget/test/test-gateway-client.ts";
import { AVAILABILITY } from "./exchange.js";

startWidget({
  parent: window.parent,
  allowedOrigins: [document.body.dataset["host"] ?? ""],
  createGateway: () => ({ ...unusedGateway, fetchAvailability: () => Promise.resolve(AVAILABILITY) }),
  loadLive: failUnexpectedCall,
  reloadDocument() {},
  onPageChange() {},
});
