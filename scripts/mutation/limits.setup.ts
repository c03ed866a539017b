/**
 * Makes properties the same in each run, and quick: the same values, few of them, and no search for the smallest failure.
 * Limits tests that a mutant leaves without an end, and gives the tests without a mutant the time of a busy machine.
 */
import fc from "fast-check";
import { inject, vi } from "vitest";

fc.configureGlobal({ seed: 20, numRuns: inject("propertyRuns"), endOnFailure: true });
vi.setConfig({ testTimeout: inject("mode") === "mutant" ? 10_000 : 120_000 });
