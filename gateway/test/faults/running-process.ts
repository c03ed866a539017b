/** A program that a test runs, signals and watches. It never outlives its test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onTestFailed, onTestFinished } from "vitest";

export interface ProcessOptions {
  readonly program: string;
  readonly arguments: readonly string[];
  /** All that the program finds in its environment, beside `PATH`. @default nothing */
  readonly environment?: Readonly<Record<string, string>>;
  /** @default this process's */
  readonly directory?: string;
  /** What a shell does in the process before the program takes its place, such as `ulimit -n 12000`. @default nothing */
  readonly shell?: string;
}

/** How a process has ended: the one or the other. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** Every line that it has printed so far, on stdout and on stderr. */
  readonly output: readonly string[];
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended, and says how. */
  ended(): Promise<ProcessEnd>;
  /** Kills it, also while it is stopped, and resolves when it is gone. */
  end(): Promise<ProcessEnd>;
}

/** How many of a process's last lines are shown where its test fails. */
const SHOWN_LINES = 30;

/** Starts a program. It is killed when the test has finished; where the test has failed its last lines are shown. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const child = spawnProgram(options);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) collectLines(stream, output);
  // A program that is not there has no pid, and says why by this event alone.
  const gone = once(child, "exit").then(([exitCode, signal]): ProcessEnd => ({ exitCode, signal }));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
  const end = (): Promise<ProcessEnd> => {
    kill("SIGKILL");
    return gone;
  };
  onTestFailed(() => console.error([options.program, ...output.slice(-SHOWN_LINES)].join("\n  ")));
  onTestFinished(async () => void (await end()));
  return { pid: toPid(child, options.program), output, isRunning, kill, ended: () => gone, end };
}

function spawnProgram(options: ProcessOptions): ChildProcess {
  const { program, environment, directory, shell } = options;
  const command = [program, ...options.arguments];
  const [file = program, ...rest] = shell ? ["sh", "-c", `${shell} && exec "$0" "$@"`, ...command] : command;
  return spawn(file, rest, {
    env: { PATH: process.env["PATH"], ...environment },
    ...(directory !== undefined && { cwd: directory }),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function collectLines(stream: Readable | null, output: string[]): void {
  if (stream) createInterface({ input: stream }).on("line", (line) => output.push(line));
}

function toPid({ pid }: ChildProcess, program: string): number {
  if (pid === undefined) throw new Error(`${program} cannot be started`);
  return pid;
}
