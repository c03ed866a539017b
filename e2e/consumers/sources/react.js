import { createElement, useEffect, useState } from "react";

export function App({ onMounted }) {
  const [userId, setUserId] = useState(123);
  useEffect(() => onMounted?.(), [onMounted]);
  return createElement(
    "main",
    null,
    createElement("availability-badge", {
      "user-id": userId,
      suppressHydrationWarning: process.env.NODE_ENV !== "production",
    }),
    createElement("input", { defaultValue: "" }),
    createElement("button", { onClick: () => setUserId(124) }, "next"),
  );
}
