// A component of the server: what it imports runs in Node.
import { readAvailability } from "availability-bridge";
import { Agent } from "./agent.jsx";

export default function Page() {
  return (
    <main>
      <h1>{readAvailability({ status: "available" }).state}</h1>
      <Agent />
    </main>
  );
}
