import type { AllReading } from "../availability-service.ts";
import { type AgentText, type AgentTexts, toMember } from "./agent-text.ts";
import { toProblemDocument } from "./problem.ts";

/** List of all agents, as JSON in ASCII. */
export interface EncodedAll {
  readonly body: Buffer<ArrayBuffer>;
  /** Number of agents without a cached text. */
  readonly formatted: number;
  /** True if an agent has a running wrap-up time. */
  readonly hasRunningTime: boolean;
}

/** Work of a turn of the event loop, about half a millisecond: 250 agents to format, or 2,000 with a cached text. */
const WORK_PER_TURN = 2_000;
const FORMATTING = 8;

/** Encodes all agents of a reading in pieces, each in a turn of its own unless there is only one. */
export async function encodeAll(
  reading: AllReading,
  texts: AgentTexts,
  takeTurn: () => Promise<void>,
): Promise<EncodedAll> {
  // Agents and cursor belong together: the agents' objects stay the same if there are changes between the turns.
  const agents = reading.agents();
  const pieces: Piece[] = [];
  for (let start = 0; start < agents.length; ) {
    if (agents.length * FORMATTING > WORK_PER_TURN) await takeTurn();
    const piece = formatPiece(start);
    pieces.push(piece);
    start = piece.end;
  }

  function formatPiece(start: number): Piece {
    const availabilities: string[] = [];
    const updatedAt: string[] = [];
    let [end, work, formatted, hasRunningTime] = [start, 0, 0, false];
    for (; end < agents.length && work < WORK_PER_TURN; end += 1) {
      const agent = agents[end];
      if (!agent) break;
      let text: AgentText | undefined = texts.getCached(agent, reading);
      work += text ? 1 : FORMATTING;
      formatted += text ? 0 : 1;
      text ??= texts.format(agent, reading);
      hasRunningTime ||= text.hasRunningTime;
      availabilities.push(text.availability);
      updatedAt.push(text.updatedAt);
    }
    return { end, formatted, hasRunningTime, availabilities: toBytes(availabilities), updatedAt: toBytes(updatedAt) };
  }

  return {
    body: join(pieces, reading),
    formatted: pieces.reduce((sum, { formatted }) => sum + formatted, 0),
    hasRunningTime: pieces.some(({ hasRunningTime }) => hasRunningTime),
  };
}

/** Consecutive agents of a list. */
interface Piece {
  /** Index after the last agent. */
  readonly end: number;
  readonly formatted: number;
  readonly hasRunningTime: boolean;
  readonly availabilities: Buffer;
  readonly updatedAt: Buffer;
}

function toBytes(members: readonly string[]): Buffer {
  return Buffer.from(members.join(), "latin1");
}

function join(pieces: readonly Piece[], { unreadable, cursor }: AllReading): Buffer<ArrayBuffer> {
  const errors = unreadable.map((userId) =>
    toMember(userId, toProblemDocument(503, "The availabilities cannot be reached")),
  );
  const comma = Buffer.from(",");
  const withCommas = (parts: readonly Buffer[]) => parts.flatMap((part, index) => (index > 0 ? [comma, part] : [part]));
  return Buffer.concat([
    Buffer.from('{"availabilities":{'),
    ...withCommas(pieces.map(({ availabilities }) => availabilities)),
    Buffer.from(`},"errors":{${errors.join()}},"updatedAt":{`),
    ...withCommas(pieces.map(({ updatedAt }) => updatedAt)),
    Buffer.from(`},"cursor":${JSON.stringify(cursor)}}`),
  ]);
}
