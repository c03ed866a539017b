/** The demo page in an iframe, if the demo serves this site; elsewhere, how to start it. */
import { defineComponent, h, onMounted, ref, type VNode } from "vue";

/** Address of the demo page: the root of the origin at which the demo serves this site. */
const DEMO = "/";

export const DemoFrame = defineComponent({
  setup() {
    const isServed = ref<boolean>();
    onMounted(async () => {
      isServed.value = await isDemoServed();
    });
    return () => {
      if (isServed.value === undefined) return h("p", { role: "status" }, "Looking for the demo…");
      return isServed.value ? frame() : instructions(import.meta.env.DEV);
    };
  },
});

/** True if the demo's own route answers at this origin. A server of static files has no such route. */
async function isDemoServed(): Promise<boolean> {
  const response = await fetch("/demo/gateway").catch(() => undefined);
  return response?.ok === true && response.headers.get("Content-Type")?.startsWith("application/json") === true;
}

function frame(): VNode[] {
  return [
    h("iframe", { class: "demo-frame", src: DEMO, title: "Playground" }),
    h("p", h("a", { href: DEMO, target: "_blank", rel: "noopener" }, "Open the playground in a tab of its own")),
  ];
}

/**
 * Returns how to start the demo.
 *
 * @param isDevelopmentServer true if `npm run docs` serves the page
 */
export function instructions(isDevelopmentServer: boolean): VNode {
  const reason = isDevelopmentServer
    ? ["The server of ", h("code", "npm run docs"), " has no playground: run "]
    : ["The playground needs the demo, which runs on your own machine: run "];
  return h("p", { role: "status" }, [
    ...reason,
    h("code", "npm run docs:build && npm start"),
    " in the repository, and open ",
    h("code", "http://localhost:4000/docs/playground.html"),
    ".",
  ]);
}
