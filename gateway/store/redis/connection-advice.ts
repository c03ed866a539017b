import { ErrorReply } from "@redis/client";
import { systemErrorCode } from "../../system-error.ts";
import { errorCode } from "./write-rejection-log.ts";

const CLUSTER_ADVICE = "If the server is a Redis Cluster, set REDIS_MODE=cluster";
const CLIENT_CERTIFICATE_ADVICE =
  "The server demands a client certificate of its authority: set REDIS_TLS_CERT and REDIS_TLS_KEY";
const AUTHORITY_ADVICE = "Set REDIS_TLS_CA to the file with the certificate of the authority";
const HOST_ADVICE =
  "The certificate of Redis must name the host in REDIS_URL, or the host that the Sentinels or the nodes announce";
const CREDENTIALS_ADVICE =
  "Check the user and the password in REDIS_URL, with special characters as %23 and alike, and those of Sentinels in REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD";
const PASSWORD_ADVICE =
  "Redis demands a password, and REDIS_URL has none; that of Sentinels is in REDIS_SENTINEL_PASSWORD";
const RIGHTS_ADVICE = "Give the Redis user the rights that docs/redis.md has, with the keys of REDIS_KEY_PREFIX";

/** Faults that last until the operator acts, by the code of Redis's reply or of Node's error, with the setting to change. */
const ADVICE = new Map([
  ["CROSSSLOT", CLUSTER_ADVICE],
  ["MOVED", CLUSTER_ADVICE],
  ["CLUSTERDOWN", CLUSTER_ADVICE],
  ["WRONGPASS", CREDENTIALS_ADVICE],
  ["NOAUTH", PASSWORD_ADVICE],
  ["NOPERM", RIGHTS_ADVICE],
  // TLS 1.3, and before.
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", CLIENT_CERTIFICATE_ADVICE],
  ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", CLIENT_CERTIFICATE_ADVICE],
  ["ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", CLIENT_CERTIFICATE_ADVICE],
  ["ERR_TLS_CERT_ALTNAME_INVALID", HOST_ADVICE],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", AUTHORITY_ADVICE],
  ["SELF_SIGNED_CERT_IN_CHAIN", AUTHORITY_ADVICE],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", AUTHORITY_ADVICE],
  ["UNABLE_TO_GET_ISSUER_CERT", AUTHORITY_ADVICE],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", AUTHORITY_ADVICE],
]);

/** Redis 7.0 and 8 give an unknown command the code ERR, which many faults have: only the text tells of it. */
const UNKNOWN_COMMANDS = [
  {
    pattern: /^ERR unknown command '?(XREAD|EVAL|EVALSHA)\b/i,
    advice:
      "If the server is a Redis Sentinel, set REDIS_MODE=sentinel and REDIS_SENTINEL_NAME; otherwise it is no Redis 7",
  },
  {
    pattern: /^ERR unknown command '?SENTINEL\b/i,
    advice: "The server is no Sentinel: set REDIS_URL to the addresses of the Sentinels, or REDIS_MODE=single",
  },
] as const;

/**
 * Describes an error reply of Redis, or an error of the connection to it, with the setting that an operator has to change if
 * there is one. OpenSSL's message names a source file of OpenSSL; only its reason is kept.
 */
export function describeRedisFault(error: unknown): string {
  const isReply = error instanceof ErrorReply;
  const code = isReply ? errorCode(error.message) : systemErrorCode(error);
  // For a host with several addresses, Node's error has no message of its own.
  const reason = openSslReason(error) ?? ((error instanceof Error && error.message) || code || String(error));
  const unknown = isReply ? UNKNOWN_COMMANDS.find(({ pattern }) => pattern.test(reason)) : undefined;
  const advice = unknown?.advice ?? ADVICE.get(code ?? "");
  // Some replies of Redis end with a full stop of their own.
  return advice === undefined ? reason : `${reason.replace(/\.$/, "")}. ${advice}`;
}

/** Returns OpenSSL's reason, as Node adds it to an error of TLS; `undefined` for other errors. */
function openSslReason(error: unknown): string | undefined {
  return error instanceof Error && "reason" in error && typeof error.reason === "string" ? error.reason : undefined;
}
