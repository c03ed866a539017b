/**
 * What a hostile frame posts to the page around it. It runs in that frame, so it has nothing of this file with it.
 * The forger knows even what a real reply would have to name: the call's id in penpal, and `real`, the request's own.
 */
export function postForgeries(callId: unknown): void {
  const forged = { type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: { forged: true }, meta: { id: "real" } };
  const base = { namespace: "penpal" };
  const reply = { ...base, type: "REPLY", callId, value: forged };
  const { port1, port2 } = new MessageChannel();
  parent.postMessage(forged, "*");
  parent.postMessage(reply, "*");
  parent.postMessage({ ...base, type: "SYN", participantId: "0" }, "*");
  parent.postMessage({ ...base, type: "ACK1", methodPaths: [["post"]] }, "*");
  parent.postMessage({ ...base, type: "ACK2" }, "*", [port2]);
  port1.postMessage(reply);
  parent.postMessage({ ...base, type: "DESTROY" }, "*");
}

/** Script of a window: keeps what it posts over ports, as `posted`, as a forger who reads along would know it. */
export function readAlong(): void {
  const { postMessage } = MessagePort.prototype;
  const posted: unknown[] = [];
  Object.assign(window, { posted });
  MessagePort.prototype.postMessage = function (message: unknown, ...rest: unknown[]): void {
    posted.push(message);
    Reflect.apply(postMessage, this, [message, ...rest]);
  };
}
