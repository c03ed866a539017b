/** An agent's id from the page's text field. */

/** An id as sent. Text that is no number is sent as text, so that the page can show the bridge's rejection. */
export type AgentId = number | string;

/** Parses typed text as a number. Returns the text unchanged if the text is no number. */
export function readAgentId(text: string): AgentId {
  const number = Number(text);
  // `Number` parses empty text as 0, and JSON has no infinity.
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}

/** Formats an agent for a sentence. Quotes distinguish text from a number. */
export function nameAgent(agentId: AgentId): string {
  return typeof agentId === "number" ? `Agent ${agentId}` : `Agent “${agentId}”`;
}
