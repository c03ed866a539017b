/** A page that sends requests in sequence at the benchmark's command. */
import { connect } from "../../../host/index.ts";
import { REQUEST } from "./exchange.js";

declare global {
  interface Window {
    /** Sends `count` requests. */
    runCalls(count: number): Promise<void>;
  }
}

const frame = document.createElement("iframe");
frame.src = `${document.body.dataset["widget"]}/bridge`;
document.body.append(frame);
const connector = connect({ frame });

window.runCalls = async (count) => {
  await connector.ready;
  for (let sent = 0; sent < count; sent += 1) await connector.dispatch(REQUEST);
};
