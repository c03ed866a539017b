/** The connector's own tests over the connection of the test kit, so that a test connector cannot drift from the connector. */
import { readdirSync } from "node:fs";
import { describe } from "vitest";
import { type ConnectionCallbacks, setTestConnection } from "../host/test-connector.ts";
import { createMemoryConnection } from "./memory-connection.ts";

setTestConnection((reply) => {
  /** The latest answer to each event, by the event's id: a connector sends an event again with its id. */
  const answers = new Map<unknown, Promise<unknown>>();
  let postToPage: ((event: unknown) => Promise<unknown>) | undefined;
  const memory = createMemoryConnection((post) => {
    postToPage = post;
    return {
      receive: (event) => answers.get(idOf(event)),
      close() {
        postToPage = undefined;
      },
    };
  });
  return {
    open(...options) {
      const opened = memory.open(...options);
      return {
        ...opened,
        post(event) {
          answers.set(idOf(event), reply(event));
          return opened.post(event);
        },
      };
    },
    drive: (callbacks: ConnectionCallbacks) => ({
      ...callbacks,
      receive: (event) => (postToPage ?? callbacks.receive)(event),
      onConnected: memory.connect,
      onLost: memory.disconnect,
    }),
  };
});

function idOf(event: unknown): unknown {
  return Object(Object(event).meta).id;
}

for (const file of readdirSync("host")) {
  const [, name] = /^create-connector-(\w+)\.test\.ts$/.exec(file) ?? [];
  if (name === undefined) continue;
  describe(file, async () => {
    await import(`../host/create-connector-${name}.test.ts`);
  });
}
