/** Whether this machine has what the tests of processes run. What it has not is skipped, and `scripts/testing/report-missing-servers.mjs` says so. */

import { findServer } from "../../../scripts/testing/report-missing-servers.mjs";
import { canStart } from "../proxy-process.ts";
import { hasRedisServer } from "../redis-server.ts";

/** Redis, and nginx with a certificate. */
export const hasServers = hasRedisServer && canStart("nginx");

/** What a file's growth is ended with. */
export const hasProcessLimits = findServer("prlimit") !== undefined;

/** A C compiler, for a clock that goes wrong. */
export const hasCompiler = findServer("cc") !== undefined;
