import { ErrorReply } from "@redis/client";
import { systemErrorCode } from "../../system-error.ts";
import { errorCode } from "./write-rejection-log.ts";

const CLUSTER_ADVICE =
  "The server is a Redis Cluster, which the gateway cannot use: set REDIS_URL to a Redis without cluster-enabled";
const CLIENT_CERTIFICATE_ADVICE =
  "The server demands a client certificate, which the gateway does not have: set tls-auth-clients to no in Redis";
const AUTHORITY_ADVICE = "Set NODE_EXTRA_CA_CERTS to the file with the certificate of the authority";
const CREDENTIALS_ADVICE = "Check the user and the password in REDIS_URL, with special characters as %23 and alike";

/** Faults that last until the operator acts, by the code of Redis's reply or of Node's error, with the setting to change. */
const ADVICE = new Map([
  ["CROSSSLOT", CLUSTER_ADVICE],
  ["MOVED", CLUSTER_ADVICE],
  ["CLUSTERDOWN", CLUSTER_ADVICE],
  ["WRONGPASS", CREDENTIALS_ADVICE],
  ["NOAUTH", CREDENTIALS_ADVICE],
  // TLS 1.3, and before.
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", CLIENT_CERTIFICATE_ADVICE],
  ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", CLIENT_CERTIFICATE_ADVICE],
  ["ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", CLIENT_CERTIFICATE_ADVICE],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", AUTHORITY_ADVICE],
  ["SELF_SIGNED_CERT_IN_CHAIN", AUTHORITY_ADVICE],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", AUTHORITY_ADVICE],
  ["UNABLE_TO_GET_ISSUER_CERT", AUTHORITY_ADVICE],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", AUTHORITY_ADVICE],
]);

/** Redis 7.0 and 8 give an unknown command the code ERR, which many faults have: only the text tells of it. */
const UNKNOWN_COMMAND = /^ERR unknown command '?(XREAD|EVAL|EVALSHA)\b/i;
const UNKNOWN_COMMAND_ADVICE =
  "The server is a Redis Sentinel, or no Redis 7: set REDIS_URL to the address of the primary itself";

/**
 * Describes an error reply of Redis, or an error of the connection to it, with the setting that an operator has to change if
 * there is one. OpenSSL's message names a source file of OpenSSL; only its reason is kept.
 */
export function describeRedisFault(error: unknown): string {
  const isReply = error instanceof ErrorReply;
  const code = isReply ? errorCode(error.message) : systemErrorCode(error);
  // For a host with several addresses, Node's error has no message of its own.
  const reason = openSslReason(error) ?? ((error instanceof Error && error.message) || code || String(error));
  const advice = isReply && UNKNOWN_COMMAND.test(reason) ? UNKNOWN_COMMAND_ADVICE : ADVICE.get(code ?? "");
  return advice === undefined ? reason : `${reason}. ${advice}`;
}

/** Returns OpenSSL's reason, as Node adds it to an error of TLS; `undefined` for other errors. */
function openSslReason(error: unknown): string | undefined {
  return error instanceof Error && "reason" in error && typeof error.reason === "string" ? error.reason : undefined;
}
