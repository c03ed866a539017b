import type { Connector } from "availability-bridge";
import {
  createTestConnector,
  type PlannedError,
  type RecordedRequest,
  type TestConnector,
} from "availability-bridge/testing";
import { type FakeWidget, routeFakeWidget } from "availability-bridge/testing/playwright";

const connector: TestConnector = createTestConnector({
  availabilities: { 123: "available", 124: { status: "other", wrapUpTimeConfig: 30, wrapUpTimeTtl: 5 } },
  fetchToken: () => "token",
});
// A test connector takes the place of the real one without a cast.
export const real: Connector = connector;
export const asked: readonly RecordedRequest[] = connector.requests;
const planned: PlannedError = { status: 503 };
const stop: () => void = connector.reject("API.FETCH_USER_AVAILABILITY", planned);
stop();

// @ts-expect-error -- no status of the contract.
connector.setAvailability(123, "asleep");
// @ts-expect-error -- no request of the contract.
connector.reject("API.FETCH", "TIMEOUT");
// @ts-expect-error -- no code.
connector.reject("BUS.PING", "BROKEN");
// @ts-expect-error -- both wrap-up times, or neither.
createTestConnector({ availabilities: { 1: { status: "available", wrapUpTimeTtl: 1 } } });

export async function route(context: Parameters<typeof routeFakeWidget>[0]): Promise<FakeWidget> {
  const widget = await routeFakeWidget(context, "https://widget.example.com/widget/");
  await widget.setAvailability(123, "in_call");
  return widget;
}
