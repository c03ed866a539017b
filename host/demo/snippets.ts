/** Code of the screen, for pages of four kinds. */

/** Subject of the code. */
export interface SnippetSubject {
  /** The agent of badge and button. */
  readonly userId: number;
  /** The vendor's origin. */
  readonly vendor: string;
}

/** Kinds of pages, in the order of the tabs. */
export const SNIPPET_KINDS = ["Script tag", "TypeScript", "React", "Vue"] as const;
export type SnippetKind = (typeof SNIPPET_KINDS)[number];

const WRITERS: Readonly<Record<SnippetKind, (subject: SnippetSubject) => string>> = {
  "Script tag": ({ userId, vendor }) => `<script async src="${vendor}/embed.js" data-token-url="/demo/token"></script>

<availability-badge user-id="${userId}"></availability-badge>
<button id="call" disabled>Call</button>

<script>
  (window.availabilityBridge ||= []).push((connector) => {
    connector.watch(${userId}, (availability) => {
      const isFree = availability.status === "available" && !availability.wrapUpTimeTtl;
      document.getElementById("call").disabled = !isFree;
    });
  });
</script>
`,
  TypeScript: ({
    userId,
    vendor,
  }) => `import { connect, defineAvailabilityBadge, readAvailability } from "availability-bridge";

const connector = connect({
  src: "${vendor}/widget/",
  fetchToken: async ({ signal }) => {
    const response = await fetch("/demo/token", { signal });
    const { token } = await response.json();
    return token;
  },
});
// <availability-badge user-id="${userId}"></availability-badge>
defineAvailabilityBadge(connector);

const call = document.querySelector<HTMLButtonElement>("#call");
connector.watch(${userId}, (availability) => {
  if (call) call.disabled = !readAvailability(availability).callable;
});
`,
  React: ({
    userId,
    vendor,
  }) => `import { AvailabilityBadge, BridgeProvider, useAvailability } from "availability-bridge/react";

function CallButton({ userId = ${userId} }) {
  const { callable } = useAvailability(userId);
  return <button disabled={!callable}>Call</button>;
}

export function App() {
  return (
    <BridgeProvider src="${vendor}/widget/">
      <AvailabilityBadge userId={${userId}} />
      <CallButton />
    </BridgeProvider>
  );
}
`,
  Vue: ({ userId, vendor }) => `<script setup>
// main.js: createApp(App).use(createBridge({ src: "${vendor}/widget/" })).mount("#app")
import { AvailabilityBadge, useAvailability } from "availability-bridge/vue";

const agent = useAvailability(${userId});
</script>

<template>
  <AvailabilityBadge :user-id="${userId}" />
  <button :disabled="!agent.callable">Call</button>
</template>
`,
};

/** Writes the code of a kind for the subject. */
export function writeSnippet(kind: SnippetKind, subject: SnippetSubject): string {
  return WRITERS[kind](subject);
}
