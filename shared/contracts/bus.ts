import * as v from "valibot";
import { MAX_ID_LENGTH } from "../protocol/envelope.ts";
import { announcement, request } from "./contract.ts";
import { NoPayload } from "./no-payload.ts";

const RequestId = v.pipe(
  v.string(`a string of 1 to ${MAX_ID_LENGTH} characters`),
  v.minLength(1, `a string of 1 to ${MAX_ID_LENGTH} characters`),
  v.maxLength(MAX_ID_LENGTH, `a string of 1 to ${MAX_ID_LENGTH} characters`),
);

const Text = v.pipe(
  v.string("a text of 1 to 256 characters"),
  v.minLength(1, "a text of 1 to 256 characters"),
  v.maxLength(256, "a text of 1 to 256 characters"),
);

/** Services whose announcements a page can start. */
const SERVICES = ["USER"] as const;
export type Service = (typeof SERVICES)[number];

const Services = v.strictObject(
  {
    /** Services to start or stop: `USER` announces the availability of every user that the page's token may see. */
    services: v.array(
      v.picklist(SERVICES, ({ received }) => `one of ${SERVICES.join(", ")}, not ${received}`),
      `a list of ${SERVICES.join(", ")}`,
    ),
  },
  "exactly { services }",
);

function count() {
  return v.pipe(v.number(), v.safeInteger(), v.minValue(0));
}

/** Requests of the bus itself. */
export const bus = {
  /** Introduces the page. The connector sends this request after every handshake; a page without our connector may skip it. */
  "BUS.REGISTER": request({
    payload: v.strictObject(
      {
        /** The page's own origin: the widget rejects any other. */
        origin: v.string("the page's own origin"),
        /** The page's name. This widget checks its length and does not use it. */
        appName: Text,
        /** The page's version. This widget checks its length and does not use it. */
        release: Text,
      },
      "exactly { origin, appName, release }",
    ),
    fulfilled: v.strictObject({
      /** Protocol version of the widget. */
      protocol: v.literal(1),
      /** Changes with every load of the widget. */
      sessionId: v.string(),
      /** The types of the requests that the widget knows. */
      events: v.array(v.string()),
      /** Names of the events that a connector treats in a special way. A widget of release 0.1.0 sends none. */
      traits: v.exactOptional(
        v.strictObject({
          /** Requests that a connector may send again to the next widget. */
          idempotent: v.array(v.string()),
          /** Settlements and announcements whose payload is an availability, or holds availabilities by user id. */
          availabilities: v.array(v.string()),
        }),
      ),
    }),
    // The connector registers again after the next handshake and does not need the previous settlement.
    idempotent: false,
    bypassesLimit: true,
  }),
  /** Heartbeat. */
  "BUS.PING": request({
    payload: NoPayload,
    fulfilled: v.strictObject({}),
    idempotent: true,
  }),
  /** Aborts the in-flight request with this `meta.id`, down to its backend call. */
  "BUS.CANCEL": request({
    payload: v.strictObject({ id: RequestId }, "exactly { id }"),
    fulfilled: v.strictObject({
      /** False if no such request is in flight, for example because it has just settled. */
      cancelled: v.boolean(),
    }),
    idempotent: true,
    // A cancellation frees a place.
    bypassesLimit: true,
  }),
  /** Starts the announcements of services. The widget first announces the current state. */
  "BUS.INIT": request({ payload: Services, fulfilled: v.void(), idempotent: true }),
  /** Stops the announcements of services. */
  "BUS.DESTROY": request({ payload: Services, fulfilled: v.void(), idempotent: true }),
  /** Reads the widget's counters since its load, for an inspector. */
  "BUS.STATS": request({
    payload: NoPayload,
    fulfilled: v.strictObject({
      /** Backend calls, without streams and retries. */
      calls: count(),
      /** Requests that shared another request's backend call. */
      coalesced: count(),
      /** Retries of backend calls. */
      retries: count(),
      /** Streams that this widget has opened by itself. */
      streams: count(),
      /** Bytes of the backend's response bodies, decompressed. */
      bytes: count(),
    }),
    idempotent: true,
  }),
};

/** Requests about the page's session. */
export const session = {
  /** Makes the widget ask the page for its token at once, for example after a sign-in. */
  "AUTH.REFRESH_TOKEN": request({ payload: NoPayload, fulfilled: v.void(), idempotent: true }),
};

/** Announcements about the page's session. */
export const sessionAnnouncements = {
  /**
   * The backend accepts no token of the page any more. The widget rejects requests with the backend's own error and announces
   * nothing until the page provides an accepted token.
   */
  "AUTH.SESSION_EXPIRED": announcement(v.void()),
};
