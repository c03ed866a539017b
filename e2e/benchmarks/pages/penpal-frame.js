// @ts-check
/** Penpal as its own guide shows it. */
import { connect, WindowMessenger } from "penpal";
import { SETTLEMENT } from "./exchange.js";

const messenger = new WindowMessenger({ remoteWindow: parent, allowedOrigins: [document.body.dataset["host"] ?? ""] });
connect({ messenger, methods: { post: () => SETTLEMENT } });
