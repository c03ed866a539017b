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

/** What can be announced. */
const SERVICES = ["USER"] as const;
export type Service = (typeof SERVICES)[number];

const Services = v.strictObject(
  {
    /** What to announce: `USER` for the availability of every user that the page's token may see. */
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

/** What the bus itself offers, whatever the domain. */
export const bus = {
  /** Says who the page is. The connector sends it after every handshake; a page without our connector may skip it. */
  "BUS.REGISTER": request({
    payload: v.strictObject(
      {
        /** The page's own origin: any other is refused. */
        origin: v.string("the page's own origin"),
        /** The page's name, for the widget's records. */
        appName: Text,
        /** The page's version, for the widget's records. */
        release: Text,
      },
      "exactly { origin, appName, release }",
    ),
    fulfilled: v.strictObject({
      /** The number of the protocol that the widget speaks. */
      protocol: v.literal(1),
      /** New at every load of the widget. */
      sessionId: v.string(),
      /** The types of the requests that the widget knows. */
      events: v.array(v.string()),
    }),
    // The connector says it anew after the next handshake, and has no use for the answer to the last one.
    idempotent: false,
  }),
  /** A sign of life. */
  "BUS.PING": request({
    payload: NoPayload,
    fulfilled: v.strictObject({}),
    idempotent: true,
  }),
  /** Aborts the request in flight that carries this `meta.id`, down to its backend call. */
  "BUS.CANCEL": request({
    payload: v.strictObject({ id: RequestId }, "exactly { id }"),
    fulfilled: v.strictObject({
      /** False where no such request is in flight, as when it has just settled. */
      cancelled: v.boolean(),
    }),
    idempotent: true,
  }),
  /** Starts the announcements of services. What they have announced so far is announced first. */
  "BUS.INIT": request({ payload: Services, fulfilled: v.void(), idempotent: true }),
  /** Ends the announcements of services. */
  "BUS.DESTROY": request({ payload: Services, fulfilled: v.void(), idempotent: true }),
  /** Asks what the widget has done since it was loaded, for an inspector. */
  "BUS.STATS": request({
    payload: NoPayload,
    fulfilled: v.strictObject({
      /** Calls to the backend, streams and repetitions not counted. */
      calls: count(),
      /** Requests that were answered by a call that others had asked for as well. */
      coalesced: count(),
      /** Repetitions of calls. */
      retries: count(),
      /** Streams that this widget has opened itself. */
      streams: count(),
      /** Bytes of bodies that the backend has sent, decompressed. */
      bytes: count(),
    }),
    idempotent: true,
  }),
};

/** What is announced of the page's session. */
export const sessionAnnouncements = {
  /**
   * The backend takes no token of the page's any more. Requests are rejected with the backend's own answer, and nothing is
   * announced until the page gives a token that is taken.
   */
  "AUTH.SESSION_EXPIRED": announcement(v.void()),
};
