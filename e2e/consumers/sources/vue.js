import { h, ref } from "vue";

export const App = {
  setup() {
    const userId = ref(123);
    return () =>
      h("main", [
        h("availability-badge", { "user-id": userId.value }),
        h("input"),
        h("button", { onClick: () => (userId.value = 124) }, "next"),
      ]);
  },
};
