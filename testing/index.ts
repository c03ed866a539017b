/** Entry `availability-bridge/testing`: a connector for the tests of a page. Importing the module has no side effects. */
export { createTestConnector, type TestConnector, type TestConnectorOptions } from "./create-test-connector.ts";
export type { GivenAvailabilities, GivenAvailability, StatusWithWrapUp } from "./given-availability.ts";
export type { PlannedError, RecordedRequest } from "./vendor-controls.ts";
