const KIND = "is not the address of a Redis server (redis:// or rediss://)";

const ENCODING =
  "is not read as it was meant: a user and a password have # / ? : @ % written as %23 %2F %3F %3A %40 %25, and nothing but the number of a database follows the host";

/**
 * Describes why a text cannot be the address of a Redis server, as a sentence without its subject; `undefined` for a valid
 * address. No sentence contains the address, which may have a password.
 *
 * A password with special characters is often pasted unencoded. Then a part of the password is read as the port, the
 * database or the fragment, and the gateway would connect to another host.
 */
export function describeInvalidRedisAddress(text: string): string | undefined {
  if (!/^rediss?:\/\//i.test(text)) return KIND;
  if (!URL.canParse(text)) return ENCODING;
  const { username, password, pathname, search, hash } = new URL(text);
  const isWhole = /^(\/\d*)?$/.test(pathname) && !search.includes("@") && hash === "";
  return isWhole && canDecode(username) && canDecode(password) ? undefined : ENCODING;
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
