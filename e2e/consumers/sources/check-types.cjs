/**
 * Compares what a compiler says of the files in this folder with the comments in them. Usage: `check-types.cjs COMPILER`, the name of an installed
 * package. The `^` of a comment is below what the comment speaks of:
 *
 *   connector.on("MISSPELT", () => {});
 *   //           ^ error: a part of the message
 *   //        ^ hover: a part of what an editor shows
 *   //        ^ definition: the end of a file's path: a part of the line to which an editor leads
 *
 * Each error needs a comment at its line and column, and each comment needs an error there. Fails as well if the compiler has read
 * declarations of valibot.
 */
const { execFileSync, spawn } = require("node:child_process");
const { readdirSync, readFileSync } = require("node:fs");
const path = require("node:path");
const { fileURLToPath, pathToFileURL } = require("node:url");

const [compiler = "typescript"] = process.argv.slice(2);
const files = readdirSync(".").filter((name) => /\.(tsx?|vue)$/.test(name));
/** @type {{ file: string, line: number, column: number, kind: string, text: string }[]} each counted from 1 */
const expectations = files.flatMap(readExpectations);
const failures = [];

checkErrors(runCompiler());
checkEditor().then(
  () => {
    console.log(failures.join("\n"));
    if (expectations.length === 0) throw new Error("There is no comment to compare with");
    process.exit(failures.length === 0 ? 0 : 1);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

function readExpectations(file) {
  let line = 0;
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((text, index) => {
      const [, kind, expected] = /^\s*(?:\/\/|<!--)\s*\^ (error|hover|definition): (.*?)(?: -->)?$/.exec(text) ?? [];
      if (kind) return [{ file, line, column: text.indexOf("^") + 1, kind, text: expected }];
      line = index + 1;
      return [];
    });
}

function findBinary() {
  const folder = path.resolve("../node_modules", compiler);
  const { bin } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  return path.join(folder, bin.tsc ?? bin["vue-tsc"]);
}

function runCompiler() {
  try {
    return execFileSync(process.execPath, [findBinary(), "-p", ".", "--pretty", "false", "--listFiles"], {
      encoding: "utf8",
      maxBuffer: 1e8,
    });
  } catch (error) {
    if (!error.stdout) throw error;
    return error.stdout;
  }
}

function checkErrors(output) {
  if (/\/valibot\/.*\.d\.[cm]?ts$/m.test(output)) failures.push("The compiler has read declarations of valibot");
  const errors = [...output.matchAll(/^(\S+)\((\d+),(\d+)\): error (.*(?:\n +.*)*)/gm)].map(
    ([, file, line, column, message]) => ({
      file,
      line: Number(line),
      column: Number(column),
      message: flatten(message),
    }),
  );
  const rest = new Set(errors);
  for (const { file, line, column, kind, text } of expectations) {
    if (kind !== "error") continue;
    const found = errors.find((each) => each.file === file && each.line === line && each.column === column);
    if (found) rest.delete(found);
    if (!found?.message.includes(text)) {
      failures.push(`${file}:${line}:${column}: expected the error "${text}", not ${found?.message ?? "none"}`);
    }
  }
  for (const { file, line, column, message } of rest)
    failures.push(`${file}:${line}:${column}: not expected: ${message}`);
}

async function checkEditor() {
  const questions = expectations.filter(({ kind }) => kind !== "error");
  if (questions.length === 0) return;
  const { readHover, readDefinition, close } = readVersion() < 7 ? openLanguageService() : await openLanguageServer();
  for (const { file, line, column, kind, text } of questions) {
    const answer =
      kind === "hover" ? flatten(await readHover(file, line, column)) : await readDefinition(file, line, column);
    if (!answer.includes(text)) {
      failures.push(`${file}:${line}:${column}: expected the ${kind} "${text}", not "${answer}"`);
    }
  }
  close();
}

/** Describes a place in a file, with the line counted from 0. */
function describePlace(file, line) {
  return `${file}: ${readFileSync(file, "utf8").split("\n")[line]?.trim()}`;
}

function readVersion() {
  const { version } = JSON.parse(readFileSync(path.resolve("../node_modules", compiler, "package.json"), "utf8"));
  return Number.parseInt(version, 10);
}

/** Asks the language service of a compiler in JavaScript. */
function openLanguageService() {
  const ts = require(path.resolve("../node_modules", compiler));
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    ts.readConfigFile("tsconfig.json", ts.sys.readFile).config,
    ts.sys,
    process.cwd(),
  );
  const service = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getScriptFileNames: () => fileNames,
    getScriptVersion: () => "1",
    getScriptSnapshot: (file) =>
      ts.sys.fileExists(file) ? ts.ScriptSnapshot.fromString(ts.sys.readFile(file)) : undefined,
    getCurrentDirectory: () => process.cwd(),
    getCompilationSettings: () => options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
  });
  return {
    readHover(file, line, column) {
      const name = path.resolve(file);
      const position = service
        .getProgram()
        .getSourceFile(name)
        .getPositionOfLineAndCharacter(line - 1, column - 1);
      const { displayParts = [], documentation = [] } = service.getQuickInfoAtPosition(name, position) ?? {};
      return `${ts.displayPartsToString(displayParts)} ${ts.displayPartsToString(documentation)}`;
    },
    readDefinition(file, line, column) {
      const name = path.resolve(file);
      const position = service
        .getProgram()
        .getSourceFile(name)
        .getPositionOfLineAndCharacter(line - 1, column - 1);
      const [definition] = service.getDefinitionAtPosition(name, position) ?? [];
      // As the server of the editor does, which the service leaves it to.
      const mapped =
        definition &&
        service
          .getSourceMapper()
          .tryGetSourcePosition({ fileName: definition.fileName, pos: definition.textSpan.start });
      if (!mapped) return `${definition?.fileName} without a source`;
      return describePlace(
        mapped.fileName,
        ts.sys.readFile(mapped.fileName).slice(0, mapped.pos).split("\n").length - 1,
      );
    },
    close: () => service.dispose(),
  };
}

/** Asks the language server of TypeScript 7, which has no language service in JavaScript. */
async function openLanguageServer() {
  const server = spawn(process.execPath, [findBinary(), "--lsp", "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map();
  let buffer = Buffer.alloc(0);
  server.stdout.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const end = buffer.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(buffer.toString("latin1", 0, Math.max(end, 0)))?.[1]);
      if (end < 0 || buffer.length < end + 4 + length) return;
      const message = JSON.parse(buffer.toString("utf8", end + 4, end + 4 + length));
      buffer = buffer.subarray(end + 4 + length);
      // A request of the server itself, such as one for a setting: this client has none.
      if (message.method && message.id !== undefined) send({ id: message.id, result: null });
      else waiting.get(message.id)?.(message);
    }
  });
  const send = (message) => {
    const text = JSON.stringify({ jsonrpc: "2.0", ...message });
    server.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  };
  const ask = (method, params) =>
    new Promise((resolve, reject) => {
      const id = waiting.size + 1;
      waiting.set(id, ({ error, result }) => (error ? reject(new Error(JSON.stringify(error))) : resolve(result)));
      send({ id, method, params });
    });
  const rootUri = pathToFileURL(process.cwd()).href;
  await ask("initialize", { processId: process.pid, rootUri, capabilities: {} });
  send({ method: "initialized", params: {} });
  const uriOf = (file) => pathToFileURL(path.resolve(file)).href;
  for (const file of files) {
    const languageId = file.endsWith("x") ? "typescriptreact" : "typescript";
    const textDocument = { uri: uriOf(file), languageId, version: 1, text: readFileSync(file, "utf8") };
    send({ method: "textDocument/didOpen", params: { textDocument } });
  }
  return {
    async readHover(file, line, column) {
      const position = { line: line - 1, character: column - 1 };
      const hover = await ask("textDocument/hover", { textDocument: { uri: uriOf(file) }, position });
      return String(hover?.contents?.value ?? hover?.contents ?? "");
    },
    async readDefinition(file, line, column) {
      const position = { line: line - 1, character: column - 1 };
      const found = await ask("textDocument/definition", { textDocument: { uri: uriOf(file) }, position });
      const [first] = [found].flat();
      if (!first) return "none";
      return describePlace(
        fileURLToPath(first.targetUri ?? first.uri),
        (first.targetSelectionRange ?? first.range).start.line,
      );
    },
    close: () => server.kill(),
  };
}

function flatten(text) {
  return text.replaceAll(/\s+/g, " ");
}
