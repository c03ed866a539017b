/** What somebody typed as an agent's id. */

/** An id as it is sent: text that is no number goes out as text, so that the bridge's refusal can be seen. */
export type AgentId = number | string;

/** Reads what was typed: a number where it is one, else the text exactly as it is. */
export function readAgentId(text: string): AgentId {
  const number = Number(text);
  // An empty text would read as 0, and JSON has no word for infinity.
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}

/** Names an agent in a sentence. Quotes tell text apart from a number. */
export function nameAgent(agentId: AgentId): string {
  return typeof agentId === "number" ? `Agent ${agentId}` : `Agent “${agentId}”`;
}
