/** Builds the image of `gateway/deploy/Containerfile`, and runs its commands as a container does, without a container runtime. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { onTestFinished } from "vitest";
import { findServer } from "../../../scripts/testing/report-missing-servers.mjs";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

/** True if the machine has a builder, and the test may mount the image's files. */
export const canBuildImages = findServer("buildah") !== undefined && process.getuid?.() === 0;

const GATEWAY = fileURLToPath(new URL("../..", import.meta.url));

const Nanoseconds = v.number();

const Configuration = v.object({
  User: v.string(),
  WorkingDir: v.string(),
  Env: v.array(v.string()),
  Entrypoint: v.array(v.string()),
  ExposedPorts: v.record(v.string(), v.unknown()),
  StopSignal: v.string(),
  Healthcheck: v.object({ Test: v.array(v.string()), Interval: Nanoseconds, Timeout: Nanoseconds }),
});

const Inspection = v.object({ Docker: v.object({ config: Configuration }) });

export interface ContainerImage {
  /** Path of the image's files on this machine. */
  readonly root: string;
  readonly configuration: v.InferOutput<typeof Configuration>;
  /**
   * Program and arguments that run a command as a container does: over the image's files, which are read-only, in its working
   * directory and as its user.
   */
  commandLine(command: readonly string[]): readonly [program: string, ...rest: string[]];
}

/** Builds the image over this machine's Node. Removed after the test. */
export async function buildImage(): Promise<ContainerImage> {
  const directory = await makeTemporaryDirectory();
  const storage = [
    "--storage-driver",
    "vfs",
    "--root",
    join(directory, "storage"),
    "--runroot",
    join(directory, "run"),
  ];
  const buildah = (...rest: readonly string[]): string =>
    execFileSync(findServer("buildah") ?? "", [...storage, ...rest], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  const build = (name: string, context: string, ...rest: readonly string[]) =>
    buildah("build", "--isolation", "chroot", "--format", "docker", ...rest, "--tag", name, context);
  build("base", writeBaseImage(directory));
  const file = join(GATEWAY, "deploy/Containerfile");
  build("gateway", GATEWAY, "--build-arg", "NODE_IMAGE=localhost/base", "--pull-never", "--file", file);
  const inspected: unknown = JSON.parse(buildah("inspect", "--type", "image", "gateway"));
  const configuration = v.parse(Inspection, inspected).Docker.config;
  buildah("from", "--name", "container", "--pull-never", "localhost/gateway");
  const root = buildah("mount", "container").trim();
  // Otherwise the storage could not be removed.
  onTestFinished(() => void buildah("unmount", "container"));
  return {
    root,
    configuration,
    commandLine: (command) => [
      "unshare",
      "--mount",
      "sh",
      "-c",
      'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -t proc proc "$0/proc" && exec "$@"',
      root,
      findServer("chroot") ?? "chroot",
      `--userspec=${configuration.User}`,
      root,
      "sh",
      "-c",
      'cd "$0" && exec "$@"',
      configuration.WorkingDir,
      ...command,
    ],
  };
}

/** Writes the context of an image that has Node and the few programs that the steps use, all of this machine. */
function writeBaseImage(directory: string): string {
  const context = join(directory, "base");
  const copy = (from: string, to = from): void => {
    mkdirSync(dirname(join(context, "root", to)), { recursive: true });
    copyFileSync(realpathSync(from), join(context, "root", to));
  };
  const programs = [process.execPath, ...["sh", "rm", "chmod"].map((name) => findServer(name) ?? name)];
  for (const program of programs) {
    copy(program, join("/bin", program === process.execPath ? "node" : (program.split("/").at(-1) ?? "")));
    const libraries = execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g);
    for (const [, library = ""] of libraries) copy(library);
  }
  mkdirSync(join(context, "root/proc"));
  writeFileSync(join(context, "Containerfile"), "FROM scratch\nCOPY root /\nENV PATH=/bin\n");
  return context;
}
