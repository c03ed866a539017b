/** Pages that attack: they speak penpal's protocol by hand or by its published build, as whoever means harm would. */
import { ASK_123 } from "./fixtures.ts";

/**
 * Script of a page that may attack. `attack(target)` shakes hands with a window by forged messages, brings a port of its
 * own, and asks over that port and over the window. `heard` is all that the page is sent, over the window and the port.
 */
export const ATTACK = `
  const heard = [];
  addEventListener("message", ({ data }) => heard.push(data));
  function attack(target) {
    const forge = (message) => ({ namespace: "penpal", ...message });
    const ask = (id, event) => forge({ type: "CALL", id, methodPath: ["post"], args: [event] });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      heard.push(data);
      // As penpal does for a page that exposes no method.
      if (data.type === "CALL") port1.postMessage(forge({ type: "REPLY", callId: data.id, isError: true }));
    };
    target.postMessage(forge({ type: "SYN", participantId: "!" }), "*");
    target.postMessage(forge({ type: "ACK1", methodPaths: [["post"]] }), "*");
    target.postMessage(forge({ type: "ACK2" }), "*", [port2]);
    port1.postMessage(ask("ping", { type: "BUS.PING" }));
    port1.postMessage(ask("over the port", ${JSON.stringify(ASK_123)}));
    target.postMessage(ask("over the window", ${JSON.stringify(ASK_123)}), "*");
    target.postMessage("the last of the attack", "*");
  }`;

/** A page that shows the widget in a frame and can attack it. */
export function framingPage(widget: string): string {
  return `<!doctype html><html lang="en"><head><title>Attacker</title><link rel="icon" href="data:,"></head><body>
    <script>${ATTACK}</script>
    <iframe src="${widget}" onload="document.title = 'The frame has loaded'"></iframe></body></html>`;
}

/** What a hostile widget answers: the source of a function of the event it is asked and of the number of its asking. */
export type HostileAnswer = `${string}=>${string}`;

/**
 * A page that takes a widget's place and speaks penpal by its published build, as a widget would. It answers by the
 * function given. `bridge` is what it has been asked, all that it has heard, and `remote`, penpal's way to call the page.
 */
export function hostileWidget(penpal: string, answer: HostileAnswer): string {
  return `<!doctype html><html lang="en"><head><title>Hostile widget</title></head><body>
    <script src="${penpal}"></script>
    <script>
      const heard = [];
      const asked = [];
      const answer = ${answer};
      addEventListener("message", ({ data }) => heard.push(data));
      const messenger = new Penpal.WindowMessenger({ remoteWindow: parent, allowedOrigins: ["*"] });
      const post = (event) => answer(event, asked.push(event));
      window.bridge = { asked, heard, remote: Penpal.connect({ messenger, methods: { post } }).promise };
    </script></body></html>`;
}
