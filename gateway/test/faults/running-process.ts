/** A program that a test starts, signals and watches. Killed at the end of the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onTestFailed, onTestFinished } from "vitest";

export interface ProcessOptions {
  readonly program: string;
  readonly arguments: readonly string[];
  /** The program's whole environment, beside `PATH`. @default nothing */
  readonly environment?: Readonly<Record<string, string>>;
  /** @default the test's process */
  readonly directory?: string;
  /** A shell command that the process runs before the program, like `ulimit -n 12000`. @default no command */
  readonly shell?: string;
}

/** The end of a process: either an exit code or a signal. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** Every line so far, of stdout and stderr. */
  readonly output: readonly string[];
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code or signal when the process has ended. */
  ended(): Promise<ProcessEnd>;
  /** Kills the process, even a stopped process, and resolves when it has ended. */
  end(): Promise<ProcessEnd>;
}

/** Number of a process's last lines that a failed test shows. */
const SHOWN_LINES = 30;

/** Starts a program, which is killed when the test has finished. A failed test shows the program's last lines. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const child = spawnProgram(options);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) collectLines(stream, output);
  // A missing program has no pid; only this event carries the reason.
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
