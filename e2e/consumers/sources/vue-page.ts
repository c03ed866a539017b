import type { Connector } from "availability-bridge";
import {
  type AgentAvailability,
  AvailabilityBadge,
  createBridge,
  useAvailability,
  useConnectionState,
  useConnector,
} from "availability-bridge/vue";
import { createApp, h, ref } from "vue";

const page = {
  setup() {
    const userId = ref<number>();
    const agent = useAvailability(userId);
    const known: AgentAvailability = useAvailability(() => 123).value;
    const connector: Connector | undefined = useConnector();
    // @ts-expect-error -- an agent's id is a number.
    useAvailability("123");
    // @ts-expect-error -- what is known of the agent is only read.
    agent.value = known;
    return () => [
      h(
        "p",
        `${agent.value.state} ${known.availability?.version.toFixed()} ${useConnectionState().value} ${connector?.state}`,
      ),
      h(AvailabilityBadge, { userId: userId.value, variant: "dot", announce: true, class: "pill" }),
      // @ts-expect-error -- there is no such variant.
      h(AvailabilityBadge, { userId: 123, variant: "large" }),
    ];
  },
};

createApp(page)
  .use(createBridge({ src: "https://widget.example.com/widget/" }))
  .mount("#app");
// @ts-expect-error -- there is no such option.
createBridge({ source: "https://widget.example.com/widget/" });
