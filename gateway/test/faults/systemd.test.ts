/** The messages of the gateway's process to systemd, in whose place a program of this test listens. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findServer } from "../../../scripts/testing/report-missing-servers.mjs";
import { writeCustomersFile } from "./customers-file.ts";
import { startGateway } from "./gateway-process.ts";
import { startProcess } from "./running-process.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

const python = findServer("python3");

/** Prints each message. `recv` closes the descriptor by which `systemd-notify` learns that its message was received. */
const LISTENER = `
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
while True: print(listener.recv(4096).decode(), flush=True)
`;

test.skipIf(!python || !findServer("systemd-notify"))(
  "tells systemd that it is ready, that it is alive, that it reads its settings again, and that it stops",
  async () => {
    const path = join(await makeTemporaryDirectory(), "notify.sock");
    const systemd = startProcess({ program: python ?? "", arguments: ["-c", LISTENER, path] });
    await expect.poll(() => existsSync(path)).toBe(true);
    const { environment } = await writeCustomersFile();
    const gateway = await startGateway({
      environment: { ...environment, NOTIFY_SOCKET: path, WATCHDOG_USEC: "2000000" },
    });
    const received = () => systemd.output.filter((line) => line !== "BARRIER=1");
    await expect.poll(received).toEqual(expect.arrayContaining(["READY=1", "WATCHDOG=1"]));
    process.kill(gateway.pid(), "SIGHUP");
    await expect.poll(() => received().join(" ")).toMatch(/READY=1 .*RELOADING=1 MONOTONIC_USEC=\d+ .*READY=1/);
    expect(await gateway.terminate()).toEqual({ exitCode: 0, signal: null });
    await expect.poll(received).toContain("STOPPING=1");
  },
);
