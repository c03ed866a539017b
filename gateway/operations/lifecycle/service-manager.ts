import { execFile } from "node:child_process";

/** Receiver of the process's states: systemd, if systemd has started the process, and otherwise none. */
export interface ServiceManager {
  /** The gateway listens, or has read its settings again. Starts the watchdog's messages. */
  ready(): void;
  /** The gateway reads its settings again; call `ready` afterwards. */
  reloading(): void;
  /** The gateway is about to stop. */
  stopping(): void;
}

export interface ServiceManagerOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Prints one line for the operator. */
  readonly print: (line: string) => void;
  /** Sends one message. @default by the program `systemd-notify`, because Node has no sockets for datagrams of this kind */
  readonly send?: (message: readonly string[]) => Promise<void>;
}

/**
 * Creates the connection to systemd, by the variables that systemd sets for a unit of `Type=notify`. With `WatchdogSec` the event
 * loop sends a message twice within that time: systemd restarts a gateway that hangs.
 *
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html} for the messages.
 */
export function createServiceManager({ environment, print, send = notify }: ServiceManagerOptions): ServiceManager {
  if (!environment["NOTIFY_SOCKET"]) return { ready() {}, reloading() {}, stopping() {} };
  let isFailing = false;
  let sending = Promise.resolve();
  let watchdog: NodeJS.Timeout | undefined;
  const watchdogMs = Number(environment["WATCHDOG_USEC"] ?? 0) / 1000;

  function tell(...message: readonly string[]): void {
    // One after the other: systemd must not learn of the end of a reload before its start.
    sending = sending
      .then(() => send(message))
      .catch((error: unknown) => {
        // Once, since the watchdog's messages would fail as well.
        if (isFailing) return;
        isFailing = true;
        print(`systemd-notify has failed, so systemd takes the gateway for one that hangs: ${String(error)}`);
      });
  }

  return {
    ready() {
      tell("READY=1");
      if (watchdogMs > 0) watchdog ??= setInterval(() => tell("WATCHDOG=1"), watchdogMs / 2).unref();
    },
    reloading: () => tell("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => tell("STOPPING=1"),
  };
}

/** Runs `systemd-notify`, which finds the socket by the same environment. */
function notify(message: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("systemd-notify", message, (error) => (error ? reject(error) : resolve()));
  });
}
