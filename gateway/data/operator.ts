import { hostname, userInfo } from "node:os";

/** Operator who runs a command, as the machine knows the operator. */
export interface Operator {
  /** Account of the operating system. */
  readonly account: string;
  /** Name of the machine. */
  readonly machine: string;
}

/** Returns the operator who runs this process: for a command by `sudo`, the account that called `sudo`. */
export function readOperator(environment: Readonly<Record<string, string | undefined>>): Operator {
  return { account: readAccount(environment), machine: hostname() };
}

function readAccount({ SUDO_USER: caller }: Readonly<Record<string, string | undefined>>): string {
  try {
    const { uid, username } = userInfo();
    // Any account but root can set the variable to a name of its choice.
    return uid === 0 && caller ? caller : username;
  } catch {
    // Containers run programs as user ids without an account.
    return `uid ${process.getuid?.()}`;
  }
}
