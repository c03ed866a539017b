/** Entry `availability-bridge/vue`: plugin, composables and component for Vue 3.5. Importing the module has no side effects. */
import {
  type App,
  defineComponent,
  getCurrentInstance,
  h,
  type InjectionKey,
  inject,
  type MaybeRefOrGetter,
  onMounted,
  type PropType,
  type ShallowRef,
  shallowRef,
  toValue,
  watchEffect,
} from "vue";
import type { AvailabilityBadgeAttributes } from "../badge/badge-element.ts";
import { type BadgeOptions, defineAvailabilityBadge } from "../badge/define-badge.ts";
import { type ConnectOptions, connect } from "../connect.ts";
import type { Connector, ConnectorState } from "../connector.ts";
import type { Unsubscribe } from "../listeners.ts";
import { type AgentAvailability, followAgent, readAgent, UNKNOWN_YET } from "./followed-agents.ts";

export type { BadgeOptions } from "../badge/define-badge.ts";
export type { AgentAvailability } from "./followed-agents.ts";

/** Options of `createBridge`: those of `connect`, or a connector of the page. */
export interface BridgeOptions extends ConnectOptions {
  /** A connector of the page's own, in place of the other options. The plugin never destroys it. */
  readonly connector?: Connector | undefined;
  /** Languages and texts of all badges of the page. Those of the first badge count. */
  readonly badgeOptions?: BadgeOptions | undefined;
}

/** The plugin of an app, for `app.use`. */
export interface BridgePlugin {
  install(app: App): void;
}

interface Bridge {
  /** `undefined` on a server. */
  readonly connector: Connector | undefined;
  readonly badgeOptions: BadgeOptions | undefined;
}

const BRIDGE: InjectionKey<Bridge> = Symbol("availability-bridge");

/**
 * Creates the plugin of an app. In a browser `app.use` connects to the widget, and `app.unmount` destroys the connector. Nothing happens on a
 * server.
 *
 * @throws {Error} by `app.use`, when an option has a wrong value; the message names the option and what was expected.
 */
export function createBridge({ connector, badgeOptions, ...options }: BridgeOptions): BridgePlugin {
  return {
    install(app) {
      const own = !connector && typeof document !== "undefined" ? connect(options) : undefined;
      app.provide(BRIDGE, { connector: connector ?? own, badgeOptions });
      if (own) app.onUnmount(own.destroy);
    },
  };
}

function useBridge(): Bridge {
  const bridge = inject(BRIDGE, undefined);
  if (!bridge) throw new Error("useConnector: expected app.use(createBridge(…)) before");
  return bridge;
}

/**
 * Returns the connector, for requests: `undefined` on a server.
 *
 * @throws {Error} when the app does not use the plugin.
 */
export function useConnector(): Connector | undefined {
  return useBridge().connector;
}

/**
 * Makes a reference to something outside of Vue. Begins to follow it when the component is mounted, and so after the page has hydrated, or at once
 * without a component. Ends with the component or the effect scope.
 *
 * @param first what a server renders
 * @param subscribe is called again after a change of what it reads; returns what ends the subscription
 */
function followValue<Value>(
  first: Value,
  read: () => Value,
  subscribe: (onChange: () => void) => Unsubscribe | false | null | undefined,
): Readonly<ShallowRef<Value>> {
  const current = shallowRef(first);
  const update = (): void => {
    current.value = read();
  };
  const follow = (): void => {
    watchEffect((onCleanup) => {
      const unsubscribe = subscribe(update);
      if (unsubscribe) onCleanup(unsubscribe);
      update();
    });
  };
  if (getCurrentInstance()) onMounted(follow);
  else if (typeof document !== "undefined") follow();
  return current;
}

/**
 * Follows an agent: a number, a reference or a function. Components with the same agent share a watch, which lasts for another 30 s after the last of
 * them. The value is `loading` on a server, until the component is mounted, and for the agent `undefined` or `null`.
 *
 * @throws {TypeError} when the user id is not a whole number from 1; the message names `userId`.
 */
export function useAvailability(
  userId: MaybeRefOrGetter<number | null | undefined>,
): Readonly<ShallowRef<AgentAvailability>> {
  const connector = useConnector();
  return followValue(
    UNKNOWN_YET,
    () => readAgent(connector, toValue(userId)),
    (onChange) => {
      const id = toValue(userId);
      return connector && id != null && followAgent(connector, id, onChange);
    },
  );
}

/** Follows `connector.state`: `connecting` on a server, and until the component is mounted. */
export function useConnectionState(): Readonly<ShallowRef<ConnectorState>> {
  const connector = useConnector();
  return followValue<ConnectorState>(
    "connecting",
    () => connector?.state ?? "connecting",
    (onChange) => connector?.onStateChange(onChange),
  );
}

/**
 * The badge of an agent: the element `<availability-badge>`, which the component defines in the browser. The default slot shows until the first
 * availability; in the variant `full` an element there with the slot `name` is the agent's name. Classes and listeners, such as that of
 * `availability-change`, go to the element.
 */
export const AvailabilityBadge = /* @__PURE__ */ defineComponent({
  name: "AvailabilityBadge",
  props: {
    /** The agent. `undefined` and `null` for an agent who is not known yet: the badge is `loading`. */
    userId: [Number, String, null] as PropType<AvailabilityBadgeAttributes["userId"]>,
    variant: String as PropType<AvailabilityBadgeAttributes["variant"]>,
    /** If true, a screen reader reads each change out. */
    announce: Boolean,
  },
  setup(props, { slots }) {
    const { connector, badgeOptions } = useBridge();
    onMounted(() => {
      if (connector) defineAvailabilityBadge(connector, badgeOptions);
    });
    return () =>
      h(
        "availability-badge",
        {
          "user-id": props.userId ?? undefined,
          variant: props.variant,
          announce: props.announce ? "" : undefined,
        },
        slots["default"]?.(),
      );
  },
});
