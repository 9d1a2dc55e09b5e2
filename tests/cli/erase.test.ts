import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SortgateError } from "../../src/model/error.ts";
import { aView, waybill } from "../control/a-view.ts";
import { builtMain, runHere } from "./run-here.ts";
import { aDaemon } from "./with-daemon.ts";

const token = "t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A";

describe("erase", () => {
  let view: ReturnType<typeof aView>;
  let daemon: Awaited<ReturnType<typeof aDaemon>>;
  const asked: unknown[] = [];
  beforeEach(async () => {
    view = aView();
    const { erase } = view;
    asked.length = 0;
    view.erase = (subject) => {
      asked.push(subject);
      return erase(subject);
    };
    daemon = await aDaemon(view);
  });
  afterEach(() => daemon.close());
  const run = (...argv: string[]) => runHere("erase", "--config", daemon.config, ...argv);

  test("R17 R33 asks for a token, says what became of it, and the chain is told who and why before and what after", async () => {
    const { code, stdout, stderr } = await run(token, "--reason", "TICKET-12");
    expect([code, stdout]).toEqual([0, "Erased 2 events of those up to 12\n"]);
    expect(stderr).toContain("A purge event in the chain names their sequences");
    expect(asked).toEqual([{ kind: "token", value: token }]);
    const tokenDigest = createHash("sha256").update(token).digest("base64url");
    const detail = { reason: "TICKET-12", subject: "token", tokenDigest };
    expect(view.audits).toMatchObject([
      { action: "erase", detail },
      { action: "erase-done", detail: { ...detail, count: 2 } },
    ]);
    const json = await run(token, "--reason", "TICKET-12", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ count: 2, to: 12 });
  });

  test("R31 takes a number in clear, and repeats it nowhere", async () => {
    const { code, stdout, stderr } = await run(waybill, "--reason", "TICKET-12");
    expect(code).toBe(0);
    expect(asked).toEqual([{ kind: "code", value: waybill }]);
    expect(stdout + stderr + JSON.stringify(view.audits)).not.toContain(waybill.slice(2, 8));
  });

  test("R31 takes a number from stdin, where no list of processes shows it", async () => {
    const argv = [builtMain, "erase", "-", "--config", daemon.config, "--reason", "TICKET-12"];
    const child = spawn(process.execPath, argv, { stdio: ["pipe", "ignore", "ignore"] });
    child.stdin.end(`${waybill}\n`);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(asked).toEqual([{ kind: "code", value: waybill }]);
  });

  async function withStdin(text: string, ...more: string[]) {
    const argv = [builtMain, "erase", "-", "--config", daemon.config, "--reason", "TICKET-12", ...more];
    const child = spawn(process.execPath, argv, { stdio: "pipe" });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (part: string) => {
        said[name] += part;
      });
    child.stdin.end(text);
    const [code] = await once(child, "close");
    return { code, ...said };
  }

  test("R33 takes each line of stdin once, and tells each by its line", async () => {
    const { code, stdout, stderr } = await withStdin(`${waybill}\n\n ${token}\r\n${waybill}\n`);
    expect(code).toBe(0);
    expect(asked).toEqual([
      { kind: "code", value: waybill },
      { kind: "token", value: token },
    ]);
    expect(stdout).toMatch(/^Line 1:\nErased 2 events of those up to 12\nLine 3:\nErased 2 events/);
    expect(stderr.match(/Of a number/g)).toHaveLength(1);
    const json = await withStdin(`${waybill}\n${token}`, "--json");
    const lines = json.stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { line: 1, count: 2 },
      { line: 2, count: 2 },
    ]);
  });

  test("R33 erases nothing where a line of stdin is neither token nor number, or there are too many", async () => {
    const wrong = await withStdin(`${waybill}\n张晓明\n`);
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toMatch(
      /^Error: Line 2 of stdin: names cannot be searched for: .*; nothing was erased\nTry: /,
    );
    expect(wrong.stderr).not.toContain("张晓明");
    const many = await withStdin(
      Array.from({ length: 101 }, (_, index) => `SF${1_000_000_000_000 + index}\n`).join(""),
    );
    expect(many.code).toBe(2);
    expect(many.stderr).toMatch(/^Error: There are more than 100 .* nothing was erased\nTry: give them 100 at a time/);
    for (const nothing of ["", "\n"]) {
      const { code, stderr } = await withStdin(nothing);
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^Error: There is no token and no number on stdin; nothing was erased\nTry: sortgate erase - --reason TICKET-4711 < FILE.*13712340002-1234/,
      );
    }
    expect([asked, view.audits]).toEqual([[], []]);
  });

  test("R33 says up to which line it is done where it breaks off", async () => {
    const { erase } = view;
    view.erase = (subject) =>
      subject.kind === "code"
        ? erase(subject)
        : Promise.reject(new SortgateError("ledger/full", "There is no room", { hint: "df -h" }));
    const { code, stdout, stderr } = await withStdin(`${waybill}\n${token}\n`);
    expect(code).not.toBe(0);
    expect(stdout).toMatch(/^Line 1:\nErased/);
    expect(stderr).toMatch(/Error: There is no room; up to line 1 of stdin it is done\nTry: df -h\n$/);
  });

  test("R33 takes a telephone with its extension, whatever stands between them, on stdin and as an argument", async () => {
    const signs = [
      "转",
      " 转 ",
      "转接",
      "轉",
      " 分机 ",
      "分机：",
      "分机号码：",
      "分機",
      "ext",
      " ext. ",
      " ext 0",
      "-",
      " – ",
      " ",
    ];
    signs.push("\u3000", ",", ", ", "，", "#", " #", "＃", "*", "＊", "x");
    const all = signs.map((sign) => `13712340002${sign}1234`);
    all.push(
      "１３７１２３４０００２转１２３４",
      "+8613712340002 转 1",
      "0571-88880000 转 801",
      "(0571)88880000 ext 801",
    );
    const { code, stderr } = await withStdin(all.join("\n"));
    expect([code, stderr.includes("Error")]).toEqual([0, false]);
    expect(asked).toEqual(all.map((value) => ({ kind: "code", value })));
    asked.length = 0;
    for (const value of ["13712340002 转 1234", "13712340002分机1234"])
      expect([value, (await run(value, "--reason", "TICKET-12")).code]).toEqual([value, 0]);
    expect(asked).toHaveLength(2);
  });

  test("R33 takes a mail address, also without a digit, a day of birth, and a code to pick up with", async () => {
    const all = ["zhang88@qq.com", "zhangwei@qq.com", "1985-03-12", "8-2-3345"];
    expect((await withStdin(all.join("\n"))).code).toBe(0);
    expect(asked).toEqual(all.map((value) => ({ kind: "code", value })));
    asked.length = 0;
    for (const text of [
      "zhangwei@",
      "@qq.com",
      "zhangwei@qq",
      "张伟@qq.com",
      "zhang wei@qq.com",
      "mailto@zhangwei@qq.com",
    ]) {
      const { code, stderr } = await run(text, "--reason", "TICKET-12");
      expect([text, code, asked.length]).toEqual([text, 2, 0]);
      expect(stderr).toMatch(/\nTry: .* a mail address or a birth \(1985-03-12\)/);
    }
  });

  test("R33 takes no free text that holds a telephone with its extension", async () => {
    const texts = ["张伟 13712340002 转 1234", "13712340002 转 张伟", "13712340002 转 1234号", "13712340002 call 1234"];
    texts.push(
      "13712340002 1234 5678",
      "13712340002 转 1234567",
      "123456 转 1",
      "13712340002 转",
      "13712340002 15812340002",
    );
    for (const text of texts)
      expect([text, (await run(text, "--reason", "TICKET-12")).code, asked.length]).toEqual([text, 2, 0]);
  });

  test("refuses what is neither, without repeating it, and what has no ticket", async () => {
    const other = ["t1.J8sQ0aZk.short", "t3.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A", "139 1234 5678", "12345"];
    for (const text of other) {
      const { code, stderr } = await run(text, "--reason", "TICKET-12");
      expect([text, code]).toEqual([text, 2]);
      expect(stderr).toMatch(
        /^Error: That is neither a token nor a number as they stand in events\nTry: a whole token/,
      );
      expect(stderr).not.toContain(text);
    }
    expect((await run(token)).code).toBe(2);
    expect((await run(token, "--reason", "because of 13912345678")).code).toBe(2);
    expect([asked, view.audits]).toEqual([[], []]);
  });

  test("R31 says of a name that names cannot be searched for, and what can be given", async () => {
    for (const name of ["张晓明", "Anna Schmidt", "Schmidt-Rottluff"]) {
      const { code, stderr } = await run(name, "--reason", "TICKET-12");
      expect([name, code]).toEqual([name, 2]);
      expect(stderr).toMatch(
        /^Error: Names cannot be searched for: no event holds one in clear\nTry: a whole token .* a number from data\.code, or a telephone.* with its extension as 13712340002-1234/,
      );
      expect(stderr).not.toContain(name);
    }
    expect([asked, view.audits]).toEqual([[], []]);
  });

  test("ends with 1 where nothing is found, and where something may be left", async () => {
    const nothing = {
      count: 0,
      salvagedCount: 0,
      to: 12,
      unreadableCount: 0,
      files: ["ledger.db.damaged-20261123T031011Z"],
      isOverwritten: true,
    };
    view.erase = async () => nothing;
    const none = await run(token, "--reason", "TICKET-12");
    expect(none.code).toBe(1);
    expect(none.stdout).toMatch(/^Nothing found: no event up to 12 bears this token or number\n/);
    expect(none.stdout).toContain("ledger.db.damaged-20261123T031011Z beside the ledger is damaged");
    expect((await run(token, "--reason", "TICKET-12", "--json")).code).toBe(1);
    view.erase = async () => ({ ...nothing, count: 1, salvagedCount: 3, unreadableCount: 2, isOverwritten: false });
    const some = await run(token, "--reason", "TICKET-12");
    expect(some.code).toBe(1);
    for (const text of [
      "Erased 1 event of those",
      "Erased 3 events that were saved",
      "2 events cannot be read",
      "still holds",
    ])
      expect(some.stdout).toContain(text);
  });

  test("tells why the daemon could not, after the answer has begun, too", async () => {
    view.erase = () =>
      Promise.reject(new SortgateError("usage/invalid", "Another erasure goes on", { hint: "again later" }));
    expect(await run(token, "--reason", "TICKET-12")).toMatchObject({
      code: 2,
      stderr: "Error: Another erasure goes on\nTry: again later\n",
    });
    expect(view.audits.map(({ action }) => action)).toEqual(["erase"]);
  });

  test("waits for as long as the daemon gives signs of life, and says so where it ends first", async () => {
    let end: () => void = () => {};
    view.erase = () =>
      new Promise((resolve) => {
        end = () => resolve({ count: 1, salvagedCount: 0, to: 1, unreadableCount: 0, files: [], isOverwritten: true });
      });
    const waiting = run(token, "--reason", "TICKET-12");
    await expect.poll(() => view.audits.length).toBe(1);
    end();
    expect((await waiting).code).toBe(0);
    const cut = run(token, "--reason", "TICKET-12");
    await expect.poll(() => view.audits.length).toBe(3);
    await daemon.close();
    expect(await cut).toMatchObject({ code: 3, stderr: expect.stringContaining("Try: ") });
    daemon = await aDaemon(view);
  });
});
