import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands/index.ts";
import { exitCodeOf } from "../../src/cli/exit-code.ts";
import { createOutput, type Output, plain, type TextStream } from "../../src/cli/output.ts";
import { SortgateError } from "../../src/model/error.ts";
import { runBuilt, runHere } from "./run-here.ts";

function collect(settings: { json?: boolean; isTTY?: boolean; env?: Record<string, string> } = {}): {
  output: Output;
  written: { stdout: string; stderr: string };
} {
  const written = { stdout: "", stderr: "" };
  const collector = (name: "stdout" | "stderr"): TextStream => ({
    write(text) {
      written[name] += text;
    },
    isTTY: settings.isTTY === true,
  });
  const output = createOutput({
    stdout: collector("stdout"),
    stderr: collector("stderr"),
    json: settings.json === true,
    env: settings.env ?? {},
  });
  return { output, written };
}

describe("help", () => {
  test("lists every command", async () => {
    for (const argv of [["help"], ["--help"]]) {
      const { code, stdout, stderr } = await runHere(...argv);
      expect(code).toBe(0);
      expect(stderr).toBe("");
      for (const name of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    }
  });

  test.each(Object.keys(commands))("of %s is the same both ways and ends in examples", async (name) => {
    const { code, stdout } = await runHere(name, "--help");
    expect(code).toBe(0);
    const examples = stdout.slice(stdout.lastIndexOf("\nExamples:\n")).trim().split("\n").slice(1);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(example).toMatch(/^ {2}(.*\b|\.\.\. )?sortgate\b/);
    expect((await runHere("help", name)).stdout).toBe(stdout);
  });
});

test.each([
  "queue stats",
  "queue peek",
  "queue export",
  "queue verify",
  "keys show",
  "keys rotate",
  "keys csr",
  "keys import",
])("help of %s is its own, in the words that hints name it with, and ends in examples", async (path) => {
  const { code, stdout } = await runHere("help", ...path.split(" "));
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: sortgate ${path} [options]`);
  expect(stdout).not.toContain('default: ""');
  expect(stdout.slice(stdout.lastIndexOf("\nExamples:\n"))).toContain(`sortgate ${path}`);
});

describe("wrong usage ends with 2, says what is wrong and what to try", () => {
  test.each([
    ["a mistyped command", ["chek"], "Unknown command 'chek'", "sortgate check"],
    ["a command like none", ["xyzzy"], "Unknown command 'xyzzy'", "sortgate help"],
    ["no command", [], "A command is missing", "sortgate help"],
    ["a mistyped option", ["check", "--jsn"], "Unknown option '--jsn'", "--json, or: sortgate help check"],
    ["an option without its value", ["check", "--config"], "argument missing", "sortgate help check"],
    ["too many arguments", ["version", "now"], "Too many arguments", "sortgate help version"],
    [
      "a mistyped command of a group",
      ["queue", "stat"],
      "Unknown command 'stat'",
      "sortgate queue stats, or: sortgate help queue",
    ],
    ["a command like none of a group", ["keys", "xyzzy"], "Unknown command 'xyzzy'", "sortgate help keys"],
    ["an option of a group's command", ["queue", "stats", "--x"], "Unknown option '--x'", "sortgate help queue stats"],
    ["a reason that is missing", ["queue", "export"], "--reason", "sortgate help queue export"],
    [
      "a mistyped option that is needed",
      ["erase", "X", "--resaon", "TICKET-1"],
      "Unknown option '--resaon'",
      "--reason, or: sortgate help erase",
    ],
    [
      "another, with what stands behind it",
      ["open", "--kye", "x", "y"],
      "Unknown option '--kye'",
      "--key, or: sortgate help open",
    ],
    [
      "one of a group's command",
      ["policy", "sign", "x", "--keey=y"],
      "Unknown option '--keey'",
      "--key, or: sortgate help policy sign",
    ],
    ["a needed option that is left out", ["erase", "X"], "'--reason <text>' not specified", "sortgate help erase"],
    [
      "help for a mistyped command of a group",
      ["help", "order", "sgn"],
      "Unknown command 'sgn'",
      "sortgate order sign, or: sortgate help order",
    ],
    ["the same in the other order", ["keys", "xyzzy", "--help"], "Unknown command 'xyzzy'", "sortgate help keys"],
    ["help for a mistyped command", ["help", "chek"], "Unknown command 'chek'", "sortgate check, or: sortgate help"],
    ["the version as an option", ["--version"], "version is a command", "sortgate version"],
    ["a name that means something to JavaScript", ["constructor"], "Unknown command 'constructor'", "sortgate help"],
  ])("%s", async (_fact, argv, sentence, hint) => {
    const { code, stdout, stderr } = await runHere(...argv);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    const [error, attempt] = stderr.trim().split("\n").slice(-2);
    expect(error).toMatch(/^Error: /);
    expect(error).toContain(sentence);
    expect(attempt).toMatch(/^Try: /);
    expect(attempt).toContain(hint);
  });

  test("with --json the same stands on stdout for programs", async () => {
    const { code, stdout, stderr } = await runHere("version", "now", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "usage/invalid", hint: "sortgate help version" } });
    // No option of an export is much like it.
    const { stdout: exported } = await runHere("queue", "export", "--reason", "T", "--json");
    expect(JSON.parse(exported)).toMatchObject({
      error: { sentence: "Unknown option '--json'", hint: "sortgate help queue export" },
    });
    expect(stderr).toMatch(/^Error: .*\nTry: .*\n$/);
  });
});

test("the exit code tells what kind of error it was", () => {
  const codeOf = (
    code: "control/unreachable" | "usage/invalid" | "usage/unknown-name" | "device/closed" | "ledger/io",
  ): number => exitCodeOf(new SortgateError(code, "x", { hint: "y" }));
  expect(codeOf("control/unreachable")).toBe(3);
  expect(codeOf("usage/invalid")).toBe(2);
  expect(codeOf("usage/unknown-name")).toBe(2);
  expect(codeOf("device/closed")).toBe(1);
  expect(codeOf("ledger/io")).toBe(74);
  expect(exitCodeOf(new TypeError("x"))).toBe(1);
});

describe("output", () => {
  const hostile = "a\u001b[31mb\u0000c\u0007\u009b2Jd\u202ee\u2066f\ng\uFEFF\ud800";

  test("text from outside cannot steer a terminal", () => {
    const shown = "a\\x1b[31mb\\x00c\\x07\\x9b2Jd\\u202ee\\u2066f\\x0ag\\ufeff\\ud800";
    expect(plain(hostile)).toBe(shown);
    const { output, written } = collect();
    output.line(hostile);
    output.table([[hostile, { text: hostile, tone: "good" }]], ["a", "b"]);
    output.note(hostile);
    output.problem(new SortgateError("device/closed", hostile, { hint: hostile }));
    expect(written.stdout.split("\n")).toHaveLength(4);
    expect(`${written.stdout}${written.stderr}`.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  test("JSON keeps the value and steers no terminal either", () => {
    const { output, written } = collect();
    output.json({ hostile });
    expect(JSON.parse(written.stdout)).toEqual({ hostile });
    expect(written.stdout.trimEnd()).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  test("letters of any script stay as they are", () => {
    expect(plain("杭州 Zürich é 👍")).toBe("杭州 Zürich é 👍");
  });

  test("columns are aligned, also with wide letters", () => {
    const { output, written } = collect();
    output.table([
      ["杭州", "1"],
      ["abcdef", "2"],
    ]);
    expect(written.stdout).toBe("杭州    1\nabcdef  2\n");
  });

  test("there are colours on a terminal alone, and none with NO_COLOR", () => {
    const painted = (settings: Parameters<typeof collect>[0]): boolean => {
      const { output, written } = collect(settings);
      output.line("x", "bad");
      output.table([[{ text: "x", tone: "warn" }]]);
      output.problem(new SortgateError("device/closed", "x", { hint: "y" }));
      expect(written.stdout.includes("\u001b[")).toBe(written.stderr.includes("\u001b["));
      return written.stdout.includes("\u001b[");
    };
    expect(painted({ isTTY: true })).toBe(true);
    expect(painted({ isTTY: false })).toBe(false);
    expect(painted({ isTTY: true, env: { NO_COLOR: "1" } })).toBe(false);
    expect(painted({ isTTY: true, env: { TERM: "dumb" } })).toBe(false);
  });

  test("an error of the program itself tells its kind, not its message, unless SORTGATE_DEBUG=1", () => {
    const fault = new TypeError("13800138000 is not a function");
    const quiet = collect();
    quiet.output.problem(fault);
    expect(quiet.written.stderr).toMatch(/^Error: .*TypeError.*\nTry: .*SORTGATE_DEBUG=1.*\n$/);
    expect(quiet.written.stderr).not.toContain("13800138000");
    const loud = collect({ env: { SORTGATE_DEBUG: "1" } });
    loud.output.problem(fault);
    expect(loud.written.stderr).toContain("frame.test.ts");
  });

  test("no stack is shown for an error that is explained, unless SORTGATE_DEBUG=1", () => {
    const error = new SortgateError("device/closed", "x", { hint: "y", cause: new Error("deep") });
    const quiet = collect();
    quiet.output.problem(error);
    expect(quiet.written.stderr).toBe("Error: x\nTry: y\n");
    const loud = collect({ env: { SORTGATE_DEBUG: "1" } });
    loud.output.problem(error);
    expect(loud.written.stderr).toContain("deep");
  });
});

describe("the built program", () => {
  test("hands over its exit code", async () => {
    expect((await runBuilt(["version"])).code).toBe(0);
    expect((await runBuilt(["versoin"])).code).toBe(2);
    expect((await runBuilt(["check", "--config", "/nowhere.toml"])).code).toBe(1);
  });

  test("ends quietly when nobody reads its output any more", async () => {
    expect(await runBuilt(["init", "-"], { deaf: true })).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test.each([
    ["an older Node", { node: "20.18.3", napi: "9" }],
    ["an old major", { node: "18.20.8", napi: "9" }],
    ["a Node with an older Node-API", { node: "20.19.0", napi: "8" }],
    ["a runtime without Node-API", { node: "22.0.0" }],
  ])("refuses %s with 78 and a sentence, before it loads anything", async (_fact, versions) => {
    const preload = `Object.defineProperty(process, "versions", { value: ${JSON.stringify(versions)} })`;
    const { code, stdout, stderr } = await runBuilt(["version"], {
      nodeArgv: ["--import", `data:text/javascript,${encodeURIComponent(preload)}`],
    });
    expect(code).toBe(78);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^Error: sortgate needs Node 20\.19 or newer .*\nTry: .*\n$/);
  });

  test("a fault that nobody caught is told in one sentence and ends with 1", async () => {
    const preload = `process.on("newListener", (name) => {
      if (name === "uncaughtException") setImmediate(() => { throw new TypeError("13800138000"); });
    })`;
    const { code, stderr } = await runBuilt(["devices"], {
      nodeArgv: ["--import", `data:text/javascript,${encodeURIComponent(preload)}`],
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Error: sortgate itself failed \(TypeError\)/);
    expect(stderr).not.toMatch(/13800138000|at .*:\d+/);
  });
});
