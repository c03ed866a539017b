import { expect, test } from "vitest";
import { createModuleLoader } from "./module-loader.ts";

interface SetUp {
  readonly load: () => Promise<string>;
  /** The imports so far, each with the query of its address. */
  readonly imports: {
    readonly query: string;
    readonly succeed: (module: string) => void;
    readonly fail: (error: Error) => void;
  }[];
}

function setUp(): SetUp {
  const imports: SetUp["imports"] = [];
  const load = createModuleLoader(
    (query) => new Promise<string>((resolve, reject) => void imports.push({ query, succeed: resolve, fail: reject })),
  );
  return { load, imports };
}

test("imports another address after a failure: a browser may keep the failed one in its module map", async () => {
  const { load, imports } = setUp();
  for (const [position, message] of ["reset", "404"].entries()) {
    const loading = load();
    imports[position]?.fail(new Error(message));
    await expect(loading).rejects.toThrow(message);
  }
  const loading = load();
  imports[2]?.succeed("live part");
  expect(await loading).toBe("live part");
  expect(imports.map(({ query }) => query)).toEqual(["", "?attempt=2", "?attempt=3"]);
});

test("resolves an attempt with a module that an earlier attempt receives late", async () => {
  const { load, imports } = setUp();
  const late = load();
  const loading = load();
  imports[0]?.succeed("late");
  expect([await late, await loading]).toEqual(["late", "late"]);
});

test("rejects an attempt with its own error while an earlier attempt still waits", async () => {
  const { load, imports } = setUp();
  load().catch(() => {});
  const loading = load();
  imports[1]?.fail(new Error("404"));
  await expect(loading).rejects.toThrow("404");
});
