/** Gateway whose settings can be read again. */
export interface Reloadable {
  reload(): unknown;
}

/** Signals of a process. */
export interface HangupEvents {
  on(signal: "SIGHUP", listener: () => void): unknown;
  removeListener(signal: "SIGHUP", listener: () => void): unknown;
}

/** Holds back SIGHUP, which would otherwise end the process, until the gateway has started. */
export interface HeldHangups {
  /** Reloads at each signal from now on, and at once if one has come. */
  reload(gateway: Reloadable): void;
  /** Restores the usual effect of the signal: the end of the process. */
  release(): void;
}

/** Starts to hold back SIGHUP. Call it before the start: a supervisor may send the signal at any time. */
export function holdHangups(process: HangupEvents): HeldHangups {
  let hasCome = false;
  let onHangup = (): void => {
    hasCome = true;
  };
  const listener = (): void => onHangup();
  process.on("SIGHUP", listener);
  return {
    reload(gateway) {
      onHangup = () => void gateway.reload();
      if (hasCome) onHangup();
    },
    release: () => void process.removeListener("SIGHUP", listener),
  };
}
