/** The golden exchanges through the widget's dispatcher and client, called directly and over penpal. */
import { PortMessenger } from "penpal";
import { expect, onTestFinished, test } from "vitest";
import { comparable, type GoldenExchange, goldenExchanges } from "../e2e/golden-exchanges.ts";
import { type ScriptedBackend, startScriptedBackend } from "../e2e/scripted-backend.ts";
import { contract } from "../shared/contracts/index.ts";
import { createDispatcher, type Dispatcher } from "../shared/dispatch.ts";
import { handlers } from "./handlers/index.ts";
import { openPort, type Port } from "./penpal-port.ts";
import { testServices } from "./test-services.ts";

test.for(goldenExchanges)("settles as the golden exchange says: $name", async (exchange) => {
  const { backend, dispatch } = await startWidgetCore(exchange);
  expectExchange(exchange, await dispatch(exchange.event), backend);
});

test.for(goldenExchanges)("settles over penpal as the golden exchange says: $name", async (exchange) => {
  const { backend, dispatch } = await startWidgetCore(exchange);
  const host = openPair(dispatch);
  expectExchange(exchange, await host.post(exchange.event), backend);
});

test("there are as many golden exchanges as were recorded", () => {
  expect(goldenExchanges).toHaveLength(74);
});

async function startWidgetCore({ backend: answers }: GoldenExchange): Promise<{
  readonly backend: ScriptedBackend;
  readonly dispatch: Dispatcher["dispatch"];
}> {
  const backend = await startScriptedBackend({ answers });
  onTestFinished(() => backend.close());
  const onDefect = (error: unknown): never => expect.fail(`a defect: ${String(error)}`);
  const services = testServices(backend.origin);
  return { backend, dispatch: createDispatcher({ contract, handlers, services, onDefect }).dispatch };
}

function expectExchange(
  { settlement, backend: answers }: GoldenExchange,
  got: unknown,
  backend: ScriptedBackend,
): void {
  expect(comparable(got, settlement)).toEqual(settlement);
  if (answers === null) expect(backend.calls).toHaveLength(0);
  if (Array.isArray(answers)) expect(backend.calls).toHaveLength(answers.length);
}

/** A host's end of a port whose other end is answered by the dispatcher. */
function openPair(dispatch: Dispatcher["dispatch"]): Port {
  const { port1, port2 } = new MessageChannel();
  const widget = openPort(new PortMessenger({ port: port1 }), dispatch);
  const host = openPort(new PortMessenger({ port: port2 }), () => undefined);
  onTestFinished(() => {
    host.close();
    widget.close();
  });
  return host;
}
