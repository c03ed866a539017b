"use client";

import { connect, defineAvailabilityBadge } from "availability-bridge";
import { useEffect, useState } from "react";

/** Is rendered on the server too, where effects do not run. */
export function Agent() {
  const [userId, setUserId] = useState(123);
  const [status, setStatus] = useState("unknown");
  useEffect(() => {
    const connector = connect({ src: new URLSearchParams(location.search).get("src") });
    defineAvailabilityBadge(connector);
    connector.watch(123, (availability) => setStatus(availability.status));
    return () => connector.destroy();
  }, []);
  return (
    <>
      <p>{status}</p>
      <availability-badge user-id={userId} />
      <button type="button" onClick={() => setUserId(124)}>
        next
      </button>
    </>
  );
}
