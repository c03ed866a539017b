/** Functions of the widget's document for the panel, a separate file without common code. */
import type { Availability } from "../../shared/contracts/availability.ts";
import type { AvailabilityReading } from "../../shared/contracts/read-availability.ts";
import type { Settlement } from "../../shared/protocol/envelope.ts";
import type { SubtractElapsed } from "../gateway/elapsed-time.ts";
import type { CallOptions, GatewayClient } from "../gateway/gateway-client.ts";
import type { LiveService } from "../live/live-service.ts";
import type { ContentSize } from "./size-announcer.ts";

/** Services of the widget, which the panel shares with the page's requests. */
export interface PanelServices {
  readonly gateway: Pick<GatewayClient, "fetchAllAvailabilities" | "updateOwnAvailability">;
  readonly live: Pick<LiveService, "observe" | "checkConnection">;
  /** Creates the options of a call of the panel. The page's end aborts the call. */
  readonly createCallOptions: () => CallOptions;
  /** Returns the claims of the page's current token, not verified; `undefined` without a token. */
  readonly readClaims: () => unknown;
  /** Announces the size of the panel's content. */
  readonly announceSize: (size: ContentSize) => void;
  /** Asks the page for a token. Resolves after the page's answer. */
  readonly refreshToken: () => Promise<void>;
}

/** All options of the panel, from the document. */
export interface PanelOptions extends PanelServices {
  readonly isAvailability: (value: unknown) => value is Availability;
  readonly readAvailability: (availability: Availability) => AvailabilityReading;
  readonly subtractElapsed: SubtractElapsed;
}

/** State of the page around the widget. */
export interface PageState {
  /** True after the first event of a connection, until the connection ends. */
  readonly isConnected: boolean;
  /**
   * The settlement of the page's latest request for one agent, whom the panel then shows in detail. A rejection has no availability as its
   * payload.
   */
  readonly latest: Pick<Settlement, "payload"> | undefined;
  /** Theme and language of the page's latest connection, in the form of `meta.look`. @default the look in the widget's address */
  readonly look?: string;
}

/** The widget's own view. */
export interface Panel {
  /** Follows a change of the page's state. */
  update(page: PageState): void;
}
