import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startGateway } from "./gateway-process.ts";
import { type RunningProcess, startProcess } from "./running-process.ts";

const CONNECTIONS = 10_000;

/** Includes room for the process's other files. */
const FILES = CONNECTIONS + 2_000;

const CLIENT = fileURLToPath(new URL("idle-connections.mjs", import.meta.url));

const limit = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout?.trim();
const mayOpenAll = process.platform === "linux" && (limit === "unlimited" || Number(limit) >= FILES);

function openIdleConnections(port: number): RunningProcess {
  return startProcess({
    program: process.execPath,
    arguments: [CLIENT, `${port}`, `${CONNECTIONS}`],
    shell: `ulimit -n ${FILES}`,
  });
}

/** Reads the memory of a process, in KiB. */
function residentKibibytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function countOpenFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

test.skipIf(!mayOpenAll)(
  "answers beside 10,000 idle connections, closes them, and frees their memory",
  async () => {
    const gateway = await startGateway({ environment: {}, shell: `ulimit -n ${FILES}` });
    const pid = gateway.pid();
    const readAgent = () => fetch(`${gateway.origin}/v1/users/123/availability`).then(({ status }) => status);
    const readHealth = () => fetch(`${gateway.origin}/healthz`).then(({ status }) => status);
    expect(await readAgent()).toBe(200);
    const [filesAtFirst, memoryAtFirst] = [countOpenFiles(pid), residentKibibytes(pid)];

    /**
     * Opens the connections, waits until the gateway has closed them as idle, and returns the growth of its memory, in
     * KiB.
     */
    async function openAndClose(): Promise<number> {
      const idle = openIdleConnections(gateway.port);
      await expect.poll(() => idle.output).toContain(`open ${CONNECTIONS}`);
      await expect.poll(() => countOpenFiles(pid)).toBeGreaterThanOrEqual(filesAtFirst + CONNECTIONS);
      expect(await readAgent()).toBe(200);
      expect(await readHealth()).toBe(200);
      const taken = residentKibibytes(pid) - memoryAtFirst;
      await expect.poll(() => idle.output).toContain(`closed ${CONNECTIONS}`);
      await expect.poll(() => countOpenFiles(pid)).toBeLessThan(filesAtFirst + 10);
      expect(await readHealth()).toBe(200);
      return taken;
    }

    const memoryOfAll = await openAndClose();
    await openAndClose();
    // Later connections fit into the memory that earlier connections have freed. On a busy machine a part of that memory
    // still waits for garbage collection, so up to four rounds may take more. A leak would take three times the memory of
    // the first round by the third, and more in each later round.
    const grown = [await openAndClose()];
    while (Math.min(...grown) >= memoryOfAll * 2 && grown.length < 4) grown.push(await openAndClose());
    expect(Math.min(...grown)).toBeLessThan(memoryOfAll * 2);
  },
  240_000,
);
