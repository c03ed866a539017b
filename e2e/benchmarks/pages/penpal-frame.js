// @ts-check
/** Penpal as in its own guide. */
import { connect, WindowMessenger } from "penpal";
import { SETTLEMENT } from "./exchange.js";

const messenger = new WindowMessenger({ remoteWindow: parent, allowedOrigins: [document.body.dataset["host"] ?? ""] });
connect({ messenger, methods: { post: () => SETTLEMENT } });
