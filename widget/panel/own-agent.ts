/** The signed-in agent, as the claims of the page's token say. The gateway verifies the token; the panel only reads. */

/** Scope for setting the status of the own agent. */
const WRITE_SCOPE = "availability:write";

/** Reason why the panel cannot set a status: no token, a token of no agent, or a token without the scope. */
export type WriteObstacle = "no_token" | "no_agent" | "no_scope";

export interface OwnAgent {
  /** `undefined` without a token, and for the operator. */
  readonly userId: number | undefined;
  /** `undefined` if the token may set the agent's status. */
  readonly obstacle: WriteObstacle | undefined;
}

/** Reads the signed-in agent from a token's claims; `undefined` stands for no token. */
export function readOwnAgent(claims: unknown): OwnAgent {
  if (claims === undefined) return { userId: undefined, obstacle: "no_token" };
  const { sub, scope } = Object(claims);
  const userId = typeof sub === "string" && /^[1-9]\d*$/.test(sub) ? Number(sub) : undefined;
  if (userId === undefined || !Number.isSafeInteger(userId)) return { userId: undefined, obstacle: "no_agent" };
  const canWrite = typeof scope === "string" && scope.split(" ").includes(WRITE_SCOPE);
  return { userId, obstacle: canWrite ? undefined : "no_scope" };
}
