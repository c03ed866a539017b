/** A vendor's backend as a test controls the backend. Plain types: the declarations of the entries need no valibot. */
import type { RequestType } from "../host/event-types.ts";
import type { Unsubscribe } from "../host/listeners.ts";
import type { RejectionCode } from "../shared/protocol/rejection.ts";
import type { GivenAvailabilities, GivenAvailability } from "./given-availability.ts";

/** Error of a planned rejection: a code of the bridge's own, or the backend's status with its body. */
export type PlannedError = RejectionCode | { readonly status: number; readonly body?: unknown };

/** A request received by the widget. */
export interface RecordedRequest {
  readonly type: string;
  readonly payload?: unknown;
}

/** The backend as a test controls it. */
export interface VendorControls {
  /**
   * Requests received by the widget, in order, also the connector's own `API.CHANGE_WATCHED_USERS` for `watch` and badges. Without
   * `BUS.REGISTER` and `BUS.PING`.
   */
  readonly requests: readonly RecordedRequest[];
  /**
   * Changes an agent's availability, or adds the agent. The page gets the change if it watches the agent.
   *
   * @throws {TypeError} when the user id or the availability does not match the contract; the message names the field.
   */
  setAvailability(userId: number, availability: GivenAvailability): void;
  /** Removes an agent. Does nothing for an unknown agent. */
  removeUser(userId: number): void;
  /**
   * Rejects the requests of a type from now on: `reject("API.FETCH_USER_AVAILABILITY", { status: 503 })` as the backend does, or
   * `reject("API.FETCH_USER_AVAILABILITY", "BACKEND_TIMEOUT")` as the bridge does. A request outside the contract is
   * rejected with `INVALID_REQUEST` before. `watch` and badges send `API.CHANGE_WATCHED_USERS`.
   *
   * @param times Number of requests to reject. @default all
   * @returns a function that ends the rejections.
   * @throws {TypeError} when the contract lacks the request or the code, or the status is not one of 400 to 599.
   */
  reject(type: RequestType, error: PlannedError, times?: number): Unsubscribe;
  /**
   * Delays the backend's answers from now on, in milliseconds. A request whose timeout is shorter is rejected with `BACKEND_TIMEOUT`.
   *
   * @param type Type of the requests to delay. @default every request that reads or changes an availability
   * @returns a function that ends the delay.
   * @throws {TypeError} when the contract lacks the request, or the delay is no number from 0.
   */
  delay(milliseconds: number, type?: RequestType): Unsubscribe;
  /**
   * Refuses all tokens of the page so far. The widget then asks `fetchToken` for a token, as in production: a new token continues the
   * session, and without a new token the session ends.
   */
  expireSession(): void;
}

export interface VendorOptions {
  /** The agents at the start. @default none */
  readonly availabilities?: GivenAvailabilities | undefined;
  /** The signed-in agent, for `API.UPDATE_AVAILABILITY` and `USER.AVAILABILITY_CHANGED`. @default none */
  readonly userId?: number | undefined;
}
