// @ts-check
/** The floor: a bare MessageChannel, whose port the iframe sends with its first message. */
import { SETTLEMENT } from "./exchange.js";

const { port1, port2 } = new MessageChannel();
port1.onmessage = ({ data }) => port1.postMessage({ id: data.id, settlement: SETTLEMENT });
parent.postMessage("ready", document.body.dataset["host"] ?? "", [port2]);
