/** A Redis or a Sentinel, as an address in `REDIS_URL` names it. */
export interface RedisAddress {
  /** Normal form: `redis://`, `rediss://` or `unix://`. */
  readonly text: string;
  readonly usesTls: boolean;
  readonly isSocketFile: boolean;
  /** User, password and database; equal for two addresses that name the same, and empty without any. */
  readonly login: string;
  /** Number of the database; 0 if the address names none. */
  readonly database: number;
}

const SCHEMES = "redis://, rediss://, valkey://, valkeys:// or unix://";

const KIND = `is not the address of a Redis server (${SCHEMES})`;

const ENCODING =
  "is not read as it was meant: a user and a password have # / ? : @ % , written as %23 %2F %3F %3A %40 %25 %2C, and nothing but the number of a database follows the host";

const SOCKET_FILE =
  "is not the address of a socket: unix:// is followed by user:password@ if Redis needs them, by an absolute path, and by ?db= with the number of a database";

/** Schemes of addresses with a host, with the scheme that `@redis/client` knows. */
const HOST_SCHEMES = new Map([
  ["redis:", "redis:"],
  ["valkey:", "redis:"],
  ["rediss:", "rediss:"],
  ["valkeys:", "rediss:"],
]);

const UNIX_ADDRESS = /^(?:redis\+)?unix:\/\/(?:([^@/?#]*)@)?(\/[^?#]+)(?:\?db=(\d+))?$/i;

/**
 * Reads the addresses of a list with commas between them. A problem is a sentence without its subject, and names an
 * address of several by its number.
 */
export function readRedisAddresses(list: string): {
  readonly addresses: readonly RedisAddress[];
  readonly problems: readonly string[];
} {
  const texts = list.split(",").map((text) => text.trim());
  const read = texts.map(readRedisAddress);
  const ordinal = (index: number) => (texts.length > 1 ? `address ${index + 1} of ${texts.length} ` : "");
  return {
    addresses: read.filter((address) => "text" in address),
    problems: read.flatMap((address, index) => ("problem" in address ? [ordinal(index) + address.problem] : [])),
  };
}

/** Returns the address with user, password and database of another address with a host. */
export function withLogin(address: RedisAddress, { text, login, database }: RedisAddress): RedisAddress {
  if (address.login === login) return address;
  const from = new URL(text);
  const to = new URL(address.text);
  to.username = from.username;
  to.password = from.password;
  to.pathname = from.pathname;
  return { ...address, text: to.href, login, database };
}

/**
 * Reads an address. For a bad address, returns the reason as a sentence without its subject, and without any part of the
 * address, which may have a password.
 *
 * A password with special characters is often pasted unencoded. Then a part of the password is read as the port, the
 * database or the fragment, and the gateway would connect to another host.
 */
function readRedisAddress(text: string): RedisAddress | { readonly problem: string } {
  const [scheme = ""] = /^[a-z+]+:(?=\/\/)/i.exec(text) ?? [];
  if (/^(redis\+)?unix:$/i.test(scheme)) return readSocketAddress(text);
  const normal = HOST_SCHEMES.get(scheme.toLowerCase());
  if (normal === undefined) return { problem: KIND };
  const normalText = normal + text.slice(scheme.length);
  if (!URL.canParse(normalText)) return { problem: ENCODING };
  const { username, password, hostname, pathname, search, hash } = new URL(normalText);
  const isWhole = hostname !== "" && /^(\/\d*)?$/.test(pathname) && !search.includes("@") && hash === "";
  if (!isWhole || !canDecode(username) || !canDecode(password)) return { problem: ENCODING };
  const database = Number(pathname.slice(1));
  return {
    text: normalText,
    usesTls: normal === "rediss:",
    isSocketFile: false,
    login: `${username}:${password}@${database || ""}`.replace(/^:@$/, ""),
    database,
  };
}

function readSocketAddress(text: string): RedisAddress | { readonly problem: string } {
  const [, login = "", path = "", database = "0"] = UNIX_ADDRESS.exec(text) ?? [];
  const isWhole = path !== "" && login.split(":").length <= 2 && canDecode(login) && canDecode(path);
  if (!isWhole) return { problem: SOCKET_FILE };
  return {
    text: text.replace(/^redis\+/i, ""),
    usesTls: false,
    isSocketFile: true,
    login,
    database: Number(database),
  };
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
