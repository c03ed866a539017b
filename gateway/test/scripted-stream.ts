/** The scripted backend's stream of changes, whose events a test writes. */
import type { IncomingMessage, ServerResponse } from "node:http";
import * as v from "valibot";

/** A server-sent event, with its data parsed from JSON. */
export const StreamedEvent = v.strictObject({
  event: v.string(),
  id: v.exactOptional(v.string()),
  data: v.unknown(),
});
export type StreamedEvent = v.InferOutput<typeof StreamedEvent>;

export interface ScriptedStream {
  /** Opens the stream and sends the earlier events. A HEAD request gets only the head. */
  open(request: IncomingMessage, response: ServerResponse): void;
  /** Sends the events on every open stream, and on streams that are opened later. */
  say(events: readonly StreamedEvent[]): void;
  /** Ends every stream and discards the earlier events. */
  end(): void;
}

/** Creates a stream without events. */
export function createScriptedStream(): ScriptedStream {
  const open = new Set<ServerResponse>();
  let said = "";
  return {
    open(request, response) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (request.method === "HEAD") return void response.end();
      open.add(response);
      response.once("close", () => open.delete(response));
      response.write(`: open\n\n${said}`);
    },
    say(events) {
      const text = events.map(toText).join("");
      said += text;
      for (const response of open) response.write(text);
    },
    end() {
      said = "";
      for (const response of open) response.end();
    },
  };
}

function toText({ event, id, data }: StreamedEvent): string {
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
