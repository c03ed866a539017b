/** Entry `availability-bridge/react`: components and hooks for React 18 and 19. Importing the module has no side effects. */
import {
  createContext,
  createElement,
  type ForwardedRef,
  type ForwardRefExoticComponent,
  forwardRef,
  type HTMLAttributes,
  type ReactElement,
  type ReactNode,
  type RefAttributes,
  useCallback,
  useContext,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type {
  AvailabilityBadgeAttributes,
  AvailabilityBadgeElement,
  AvailabilityChangeEvent,
} from "../badge/badge-element.ts";
import { type BadgeOptions, defineAvailabilityBadge } from "../badge/define-badge.ts";
import { type ConnectOptions, connect } from "../connect.ts";
import type { Connector, ConnectorState } from "../connector.ts";
import { type AgentAvailability, followAgent, readAgent, UNKNOWN_YET } from "./followed-agents.ts";

export type { BadgeOptions } from "../badge/define-badge.ts";
export type { AgentAvailability } from "./followed-agents.ts";

/** Properties of `BridgeProvider`: the options of `connect`, or a connector of the page. */
export interface BridgeProviderProps extends Omit<ConnectOptions, "container"> {
  readonly children?: ReactNode;
  /** A connector of the page's own, in place of the other options. The provider never destroys it. */
  readonly connector?: Connector | undefined;
  /**
   * The element that shows the widget. With `null`, an element that is not rendered yet, the provider waits before it connects. Without a
   * container the iframe is invisible.
   */
  readonly container?: Element | null | undefined;
  /** Languages and texts of all badges of the page. Those of the first badge count. */
  readonly badgeOptions?: BadgeOptions | undefined;
}

/** Properties of `AvailabilityBadge`. All others, such as `className` and `id`, are attributes of the element. */
export interface AvailabilityBadgeProps
  extends Omit<HTMLAttributes<AvailabilityBadgeElement>, "lang">,
    Pick<AvailabilityBadgeAttributes, "variant" | "lang"> {
  /** The agent. `undefined` and `null` for an agent who is not known yet: the badge is `loading`. */
  readonly userId: AvailabilityBadgeAttributes["userId"];
  /** If true, a screen reader reads each change out. @default false */
  readonly announce?: boolean | undefined;
  /** Called with each change of what the badge shows. `detail` of the event has the agent and the state. */
  readonly onAvailabilityChange?: ((event: AvailabilityChangeEvent) => void) | undefined;
}

/** `null` without a provider. */
const ConnectorContext = /* @__PURE__ */ createContext<Connector | undefined | null>(null);
const BadgeContext = /* @__PURE__ */ createContext<BadgeOptions | undefined>(undefined);

const doNothing = (): void => {};

/**
 * Connects to the widget once the components are mounted, and destroys the connector when the provider is unmounted. Nothing happens on a
 * server. A change of `src`, `container`, `frame` or `theme` connects anew. `fetchToken` is always that of the latest rendering, and a
 * rendering that adds or removes it connects anew; each other option counts when the provider connects. A wrong value throws the error of
 * `connect`, for the error boundary around the provider.
 */
export function BridgeProvider({ children, connector, badgeOptions, ...options }: BridgeProviderProps): ReactElement {
  const [own, setOwn] = useState<Connector>();
  const latest = useRef(options);
  const { container, frame, theme } = options;
  // An object `URL` may be another one in each rendering.
  const src = options.src && String(options.src);
  // The connector tells the widget once whether the page has tokens, and the function of an earlier rendering may be that of another user.
  const hasToken = !!options.fetchToken;
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    if (connector || container === null) return;
    const { container: _, fetchToken, ...others } = latest.current;
    const created = connect({
      ...others,
      ...(container && { container }),
      ...(fetchToken && { fetchToken: (request) => (latest.current.fetchToken ?? fetchToken)(request) }),
    });
    setOwn(created);
    return () => {
      created.destroy();
      setOwn(undefined);
    };
  }, [connector, src, container, frame, theme, hasToken]);
  return createElement(
    ConnectorContext.Provider,
    { value: connector ?? own },
    createElement(BadgeContext.Provider, { value: badgeOptions }, children),
  );
}

/**
 * Returns the connector, for requests in handlers and effects: `undefined` on a server, and until the provider has connected.
 *
 * @throws {Error} when no `BridgeProvider` is around the component.
 */
export function useConnector(): Connector | undefined {
  const connector = useContext(ConnectorContext);
  if (connector === null) throw new Error("useConnector: expected a BridgeProvider around the component");
  return connector;
}

/**
 * Follows an agent. Components with the same agent share a watch, which lasts for another 30 s after the last of them. The result is the same
 * object until the next change, and `loading` on a server, while the page hydrates, and for the agent `undefined` or `null`.
 *
 * @throws {TypeError} when the user id is not a whole number from 1; the message names `userId`.
 */
export function useAvailability(userId: number | null | undefined): AgentAvailability {
  const connector = useConnector();
  const subscribe = useCallback(
    (onChange: () => void) => (connector && userId != null ? followAgent(connector, userId, onChange) : doNothing),
    [connector, userId],
  );
  return useSyncExternalStore(
    subscribe,
    () => readAgent(connector, userId),
    () => UNKNOWN_YET,
  );
}

/** Follows `connector.state`: `connecting` on a server, while the page hydrates, and until the provider has connected. */
export function useConnectionState(): ConnectorState {
  const connector = useConnector();
  const subscribe = useCallback((onChange: () => void) => connector?.onStateChange(onChange) ?? doNothing, [connector]);
  return useSyncExternalStore(
    subscribe,
    () => connector?.state ?? "connecting",
    () => "connecting",
  );
}

/**
 * The badge of an agent: the element `<availability-badge>`, which the component defines in the browser. Its children show until the first
 * availability; one with the slot `name` is the agent's name in the variant `full`.
 */
export const AvailabilityBadge: ForwardRefExoticComponent<
  AvailabilityBadgeProps & RefAttributes<AvailabilityBadgeElement>
> = /* @__PURE__ */ forwardRef(Badge);

function Badge(
  { userId, announce, className, onAvailabilityChange, children, ...attributes }: AvailabilityBadgeProps,
  ref: ForwardedRef<AvailabilityBadgeElement>,
): ReactElement {
  const connector = useConnector();
  const options = useContext(BadgeContext);
  const own = useRef<AvailabilityBadgeElement>(null);
  useImperativeHandle<AvailabilityBadgeElement | null, AvailabilityBadgeElement | null>(ref, () => own.current, []);
  // Before the definition, by which a badge of an agent who is known already changes at once. React 18 has no attribute for the event.
  useEffect(() => {
    const element = own.current;
    if (!element || !onAvailabilityChange) return;
    element.addEventListener("availability-change", onAvailabilityChange);
    return () => element.removeEventListener("availability-change", onAvailabilityChange);
  }, [onAvailabilityChange]);
  useEffect(() => {
    if (connector) defineAvailabilityBadge(connector, options);
  }, [connector, options]);
  return createElement(
    "availability-badge",
    {
      ...attributes,
      // React 18 knows no `className` of an element with a hyphen.
      class: className,
      "user-id": userId ?? undefined,
      announce: announce ? "" : undefined,
      // The element adds attributes of its own, if it is defined before the page hydrates.
      suppressHydrationWarning: true,
      ref: own,
    },
    children,
  );
}
