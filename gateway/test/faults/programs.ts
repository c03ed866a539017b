/**
 * True if the machine has the programs that tests of processes need. Otherwise the tests are skipped, and
 * `scripts/testing/report-missing-servers.mjs` reports the missing programs.
 */

import { findServer } from "../../../scripts/testing/report-missing-servers.mjs";
import { canStart } from "../proxy-process.ts";
import { hasRedisServer } from "../redis-server.ts";

/** Redis, and nginx with a certificate. */
export const hasServers = hasRedisServer && canStart("nginx");

/** Limits a file's size. */
export const hasProcessLimits = findServer("prlimit") !== undefined;

/** A C compiler, for a clock that is set back. */
export const hasCompiler = findServer("cc") !== undefined;
