import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { EventKind, Json } from "../../src/model/event.ts";
import { canonicalize, createEpochKey, createSealer, epochData } from "../../src/seal/index.ts";
import { aDevice, place } from "../seal/builders.ts";
import { runHere } from "./run-here.ts";

const folder = mkdtempSync(join(tmpdir(), "sortgate-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

const vector = (name: string): string => fileURLToPath(new URL(`../vectors/events/${name}`, import.meta.url));
const linesOf = (name: string): string[] =>
  readFileSync(vector(`${name}.jsonl`), "utf8")
    .trimEnd()
    .split("\n");
const certificate = vector("cert.der");

function written(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split("\n").at(-1);
}

describe("sortgate verify", () => {
  test("says whole and authentic with the certificate, and ends with 0", async () => {
    const { code, stdout, stderr } = await runHere("verify", vector("whole.jsonl"), "--trust", certificate);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Events after that may have been cut off; .*--witness FILE\n$/);
    expect(stdout).toBe(
      "Gateway line-3 at HZ01, chain 6f1c2a9be04d: events 1 to 10\nwhole up to sequence 10: 10 events, 2 epochs, authentic (CN=line-3)\n",
    );
  });

  test("takes the certificate as PEM too, beside others", async () => {
    const pem = execFileSync("openssl", ["x509", "-inform", "DER", "-in", certificate]);
    const other = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=other"];
    const path = written("two.pem", Buffer.concat([execFileSync("openssl", other, { stdio: "pipe" }), pem]));
    const { code, stdout } = await runHere("verify", vector("whole.jsonl"), "--trust", path, "--trust", certificate);
    expect(code).toBe(0);
    expect(lastLine(stdout)).toContain("authentic");
  });

  test("says that without a certificate a chain is only consistent", async () => {
    const { code, stdout } = await runHere("verify", vector("whole.jsonl"));
    expect(code).toBe(0);
    expect(stdout).toContain("not proven");
    expect(stdout).toContain("Try: sortgate verify FILE --trust CERTIFICATE");
    expect(lastLine(stdout)).toBe("whole up to sequence 10: 10 events, 2 epochs, consistent");
  });

  test("says of the national algorithms how much is proven, and where there is no checkpoint that it is so", async () => {
    const device = await aDevice();
    const sealer = createSealer(place);
    const key = createEpochKey("gm");
    sealer.useKey(key);
    const seal = (kind: EventKind, data: Json): string =>
      Buffer.from(sealer.seal({ kind, subject: undefined, at: 0, data: canonicalize(data) }).bytes).toString("utf8");
    const facts = { software: "0", configDigest: "0", reason: "new-ledger" } as const;
    const epoch = seal("epoch", epochData({ ...place, sequence: 1, key, device, ...facts }));
    const before = sealer.state();
    const told = async (gm?: Json): Promise<string | undefined> => {
      sealer.restore(before);
      const lines = gm === undefined ? [epoch] : [epoch, seal("checkpoint", { root: sealer.root(), size: 1, gm })];
      return lastLine((await runHere("verify", written("gm.jsonl", lines.join("\n")))).stdout);
    };
    const gm = sealer.endSpan()!;
    expect(await told()).toBe("whole up to sequence 1: 1 event, 1 epoch, no checkpoint for SM2 to prove, consistent");
    expect(await told(gm)).toContain("1 checkpoint signed by SM2, 1 proven by SM3");
    const wrong = await told({ ...gm, to: "7" });
    expect(wrong).toMatch(/^not whole: .* 0 checkpoints signed by SM2, 0 proven by SM3; first: .*SM2 signature/);
  });

  test.each([
    ["missing-4", "not whole: 9 events, 2 epochs; first: sequence 4 missing"],
    ["altered-3", "not whole: 10 events, 2 epochs; first: sequence 3 (line 3) altered: the signature does not fit"],
    ["swapped-3-4", "not whole: 10 events, 2 epochs; first: sequence 3 (line 3) forged: signed for another sequence"],
    [
      "forged-9-with-the-first-epoch-key",
      "not whole: 10 events, 2 epochs; first: sequence 9 (line 9) forged: signed by a key that is not the current epoch's",
    ],
    [
      "two-histories-of-5",
      "not whole: 10 events, 2 epochs; first: sequence 5 forked: 2 different events claim it (lines 5, 6)",
    ],
    [
      "alg-none-3",
      "not whole: 10 events, 2 epochs; first: sequence 3 (line 3) refused: signed by an algorithm that is not accepted",
    ],
  ])("names the first thing that is wrong with %s, and ends with 1", async (name, line) => {
    const { code, stdout } = await runHere("verify", vector(`${name}.jsonl`), "--trust", certificate);
    expect(code).toBe(1);
    expect(lastLine(stdout)).toBe(line);
  });

  test("names the repeated events", async () => {
    const { code, stdout } = await runHere(
      "verify",
      vector("whole-any-order-with-repeats.jsonl"),
      "--trust",
      certificate,
    );
    expect(code).toBe(0);
    expect(stdout).toContain("note: sequence 3 (line 11) repeated once, the same each time");
    expect(stdout).toContain("note: sequence 8 (line 12) repeated once");
  });

  test("notes that a copy was serialised again", async () => {
    const { code, stdout } = await runHere("verify", vector("reserialised-whole.jsonl"), "--trust", certificate);
    expect(code).toBe(0);
    expect(stdout).toContain("note: 10 events not in canonical form, from sequence 1 (line 1) on");
  });

  test("shows with a witness where the end was cut off", async () => {
    const witness = written("checkpoint.json", `${linesOf("whole")[9]}\n`);
    const truncated = vector("truncated-tail.jsonl");
    const alone = await runHere("verify", truncated, "--trust", certificate);
    expect({ code: alone.code, last: lastLine(alone.stdout) }).toEqual({
      code: 0,
      last: "whole up to sequence 6: 6 events, 1 epoch, authentic (CN=line-3)",
    });
    expect(alone.stderr).toContain("--witness");
    const seen = await runHere("verify", vector("whole.jsonl"), "--trust", certificate, "--witness", witness);
    expect(seen).toMatchObject({ code: 0, stderr: "" });
    const { code, stdout } = await runHere("verify", truncated, "--trust", certificate, "--witness", witness);
    expect(code).toBe(1);
    expect(lastLine(stdout)).toBe("not whole: 6 events, 1 epoch; first: cut off after 6: the witness knows 10 events");
  });

  test("takes a capture as it comes: BOM, CRLF, blank lines, topics, U+2028 inside of texts", async () => {
    const lines = linesOf("whole").map((line, index) =>
      index === 4 ? `sortgate/HZ01/line-3/read/tunnel-1 ${line}` : line,
    );
    const path = written("capture.txt", `\uFEFF${lines.join("\r\n\r\n")}\r\n`);
    const { code, stdout } = await runHere("verify", path, "--trust", certificate);
    expect(code).toBe(0);
    expect(lastLine(stdout)).toBe("whole up to sequence 10: 10 events, 2 epochs, authentic (CN=line-3)");
    const split = written("split.txt", `${linesOf("whole")[0]}\n{"a":"\u2028"}\n`);
    expect((await runHere("verify", split)).stdout).toContain("line 2 is no event");
  });

  test("tells lines that are no event, a last line that is cut off and one that is endless", async () => {
    const lines = linesOf("whole");
    const cut = written("cut.jsonl", `${lines.slice(0, 9).join("\n")}\n${lines[9]?.slice(0, 100)}`);
    const { code, stdout } = await runHere("verify", cut, "--trust", certificate);
    expect(code).toBe(1);
    expect(lastLine(stdout)).toBe(
      "not whole: 9 events, 2 epochs, 1 line not readable; first: line 10 is the last one and cut off in the middle",
    );
    const endless = written("endless.jsonl", `${lines.join("\n")}\n"${"a".repeat(9_000_000)}"\n`);
    expect((await runHere("verify", endless)).stdout).toContain("line 11 is too long");
    const steering = written("steering.jsonl", `${lines.join("\n")}\n\u001b[2J\u0000\n`);
    expect((await runHere("verify", steering)).stdout).not.toContain("\u001b");
  });

  test("names the chain where there are several", async () => {
    const strange = linesOf("missing-4").map((line) => line.replaceAll("6f1c2a9be04d", "000000000000"));
    const path = written("several.jsonl", [...linesOf("whole"), ...strange].join("\n"));
    const { code, stdout } = await runHere("verify", path, "--trust", certificate);
    expect(code).toBe(1);
    expect(lastLine(stdout)).toMatch(
      /^not whole: 2 chains, 19 events, 4 epochs; first: line-3\/000000000000, sequence 1 /,
    );
  });

  test("prints the whole verdict as JSON", async () => {
    const path = vector("altered-3.jsonl");
    const { code, stdout } = await runHere("verify", path, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      file: path,
      verdict: "broken",
      lineCount: 10,
      chains: [{ chain: "6f1c2a9be04d", eventCount: 10, findings: [{ kind: "altered", sequence: 3, line: 3 }, {}] }],
    });
  });

  test.each([
    ["a file that is not there", () => [join(folder, "nowhere.jsonl")], "There is no file"],
    ["a directory", () => [folder], "is a directory"],
    ["an empty file", () => [written("empty", "")], "There is no event in"],
    ["blank lines", () => [written("blank", "\n\r\n \n")], "There is no event in"],
    ["status messages alone", () => [written("status", 'a/status {"online":true}\n')], "There is no event in"],
    [
      "a trust file that is not there",
      () => [vector("whole.jsonl"), "--trust", join(folder, "no.pem")],
      "no.pem, given with --trust\nTry: give the gateway's certificate",
    ],
    [
      "a witness that is not there",
      () => [vector("whole.jsonl"), "--witness", join(folder, "no.json")],
      "no.json, given with --witness\nTry: give a file with checkpoint events",
    ],
    [
      "a trust file without a certificate",
      () => [vector("whole.jsonl"), "--trust", written("no", "x")],
      "no certificate",
    ],
    ["a witness without a checkpoint", () => [vector("whole.jsonl"), "--witness", written("w", "{}")], "no checkpoint"],
  ])("explains %s and says what to try", async (_, argv, sentence) => {
    const { code, stdout, stderr } = await runHere("verify", ...argv());
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^Error: .+\nTry: .+\n$/);
    expect(stderr).toContain(sentence);
  });

  test("is used wrongly without a file", async () => {
    expect((await runHere("verify")).code).toBe(2);
    expect((await runHere("verify", "a", "--nonsense")).code).toBe(2);
  });

  test("keeps a file with a hundred thousand lines of noise readable", async () => {
    mkdirSync(join(folder, "noise"));
    const path = written("noise/lines", `${linesOf("whole")[0]}\n${"x\n".repeat(100_000)}`);
    const { code, stdout } = await runHere("verify", path);
    expect(code).toBe(1);
    expect(stdout.split("\n").length).toBeLessThan(40);
    expect(stdout).toContain("… and 99980 more");
  });

  test("says of a file without a single event that it is the wrong one", async () => {
    const { code, stdout, stderr } = await runHere("verify", written("config.toml", '[gateway]\nsite = "HZ01"\n'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /^Error: There is no event in .*config\.toml: none of its 2 lines is one\nTry: capture some/,
    );
  });
});
