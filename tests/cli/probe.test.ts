import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLineBarcodeProfile } from "../../drivers/profiles/line-barcode/profile.ts";
import { createLineRfidProfile } from "../../drivers/profiles/line-rfid/profile.ts";
import { createOpcuaAutoidProfile } from "../../drivers/profiles/opcua-autoid/profile.ts";
import { createOpcuaTagsProfile } from "../../drivers/profiles/opcua-tags/profile.ts";
import { createProbe, type Heard, heardLines } from "../../src/cli/probe/probe.ts";
import type { Profile } from "../../src/driver/port.ts";
import { aControl, aDevice, aStatus, aView, waybill } from "../control/a-view.ts";
import { builtMain, runBuilt, runHere } from "./run-here.ts";
import { aConfig, aFolder } from "./with-daemon.ts";

/** As a parcel's number stands on a screen. */
const shortened = "SF•••••••••6739";

/** A number that is a person's, as hex too. */
const telephone = "13812345678";
const telephoneHex = Buffer.from(telephone).toString("hex").replace(/../g, "$& ").toUpperCase().trim();

function heardFrom(profile: Profile, text: string, isRaw = false): Heard[] {
  const heard: Heard[] = [];
  const probe = createProbe({ profile, carriers: ["sf"], isRaw, hear: (one) => heard.push(one) });
  probe.receive({ kind: "bytes", bytes: Buffer.from(text, "latin1") });
  return heard;
}

const screen = (heard: readonly Heard[]): string => heard.flatMap(heardLines).join("\n");

describe("what a probe makes of bytes", () => {
  test("is hex and text of each frame with its framing, beside the claim", () => {
    expect(screen(heardFrom(createLineBarcodeProfile(), `]C0${waybill}\r\n`)).split("\n")).toEqual([
      `5D 43 30 53 46${" ••".repeat(9)} 36 37 33 39 0D 0A`,
      `  ]C0${shortened}␍␊`,
      `  → read ${shortened}  ]C0`,
    ]);
  });

  test("R13 shows of a number that may leave its ends alone, wherever it stands, and all of it when asked", () => {
    const line = `${waybill};${waybill}`;
    const twice: Profile = {
      ...createLineBarcodeProfile(),
      decodeFrame: (bytes, start, _end, claim) =>
        claim({ kind: "read", bytes, start, end: start + waybill.length, medium: "barcode" }),
    };
    const heard = heardFrom(twice, `${line}\r\n`);
    expect(heard[0]).toMatchObject({
      text: `${shortened};${shortened}␍␊`,
      claims: [{ code: shortened, isMasked: false, length: waybill.length }],
    });
    for (const shown of [screen(heard), JSON.stringify(heard)]) expect(shown).not.toMatch(/1385|38 35 36/);
    expect(screen(heardFrom(twice, `${line}\r\n`, true))).toContain(`  ${line}`);
  });

  test("R13 shows of a tag its ends alone", () => {
    const [frame] = heardFrom(createLineRfidProfile(), "30340242201D8840000004D2,3,-55.5\r\n");
    const dots = "•".repeat(18);
    expect(frame).toMatchObject({
      text: `30${dots}04D2,3,-55.5␍␊`,
      claims: [{ code: `30${"•".repeat(12)}04D2`, length: 24 }],
    });
  });

  test("hides a code that the guard would not clear, but not what frames it", () => {
    const text = screen(heardFrom(createLineBarcodeProfile(), `]C0${telephone}\r\n`));
    expect(text).toContain("  ]C0•••••••••••␍␊");
    expect(text).toContain("→ read •••••••••••  ]C0  masked, 11 bytes");
    expect(text).not.toContain(telephone);
    expect(text).not.toContain(telephoneHex);
  });

  test.each([
    ["a landline number with its area code", "057187654321"],
    ["a mobile number with its country code", "8613812345678"],
    ["an identity number", "110101199003071233"],
    ["a name and an address", "ZHANG SAN, 1 West Lake Road, Hangzhou"],
    ["a waybill of a carrier that is not configured", "YT1234567890123"],
  ])("shows not one character of %s", (_fact, code) => {
    const [frame] = heardFrom(createLineBarcodeProfile(), `${code}\r\n`);
    expect(frame).toMatchObject({ text: `${"•".repeat(code.length)}␍␊`, claims: [{ kind: "read", isMasked: true }] });
    expect(JSON.stringify(frame).replace(/"(hex|text)":"[^"]*"/g, "")).not.toMatch(
      new RegExp(`[${code.slice(-4)}]{3}`),
    );
    expect(screen([frame as Heard])).toContain(`→ read ${"•".repeat(Math.min(code.length, 24))}  masked`);
  });

  test("shows not one digit of a code that a PLC keeps as a number or as a list of numbers", () => {
    const heard: Heard[] = [];
    const profile = createOpcuaTagsProfile({ sequenceMax: 99 });
    const probe = createProbe({ profile, carriers: ["sf"], isRaw: false, hear: (one) => heard.push(one) });
    const characters = [...Buffer.from(telephone)];
    for (const code of [571_876_543, characters, Uint16Array.from(characters)])
      probe.receive({ kind: "values", values: { code, sequence: 7 } });
    expect(heard.map((one) => one.kind === "values" && one.values)).toEqual([
      { code: "9 characters, hidden", sequence: 7 },
      { code: "11 numbers, hidden", sequence: 7 },
      { code: "22 bytes, hidden", sequence: 7 },
    ]);
  });

  test("tells the length and the control characters of a frame that does not fit, and nothing else of it", () => {
    const [frame] = heardFrom(createLineBarcodeProfile(), `\u0002${telephone}\u0003\r\n`);
    expect(screen([frame as Heard])).toContain("→ malformed: bad-code  13 bytes, with STX, ETX");
    expect(frame).toMatchObject({ claims: [{ kind: "malformed", byteCount: 13, controls: ["STX", "ETX"] }] });
    expect(JSON.stringify(frame)).not.toMatch(/[1345678]{4}/);
  });

  test("shows everything when asked for everything", () => {
    const text = screen(heardFrom(createLineBarcodeProfile(), `${telephone}\r\n`, true));
    expect(text).toContain(telephoneHex);
    expect(text).toContain(`→ read ${telephone}`);
  });

  test.each([
    ["UTF-8", Buffer.from("收件人 张三, 杭州\r\n"), "  收件人 张三, 杭州␍␊"],
    ["GB18030", Buffer.from("d5c5c8fd2c20babcd6ddcec40d0a", "hex"), "  张三, 杭州文␍␊"],
    ["neither", Buffer.from("ff41ff0d0a", "hex"), "  ·A·␍␊"],
  ])(
    "shows text in %s as text beside its hex where it is asked for everything, and not one character else",
    (_, bytes, text) => {
      const latin1 = bytes.toString("latin1");
      const hex = bytes.toString("hex").replace(/../g, "$& ").toUpperCase().trim();
      expect(
        screen(heardFrom(createLineBarcodeProfile(), latin1, true))
          .split("\n")
          .slice(0, 2),
      ).toEqual([hex, text]);
      expect(screen(heardFrom(createLineBarcodeProfile(), latin1))).not.toMatch(/\p{Script=Han}/u);
    },
  );

  test("shows a long text as far as its bytes are shown, though a character is cut there", () => {
    const [, text] = screen(
      heardFrom(createLineBarcodeProfile(), Buffer.from(`${"张".repeat(100)}\r`).toString("latin1"), true),
    ).split("\n");
    expect(text).toBe(`  ${"张".repeat(85)} … 45 more bytes`);
  });

  test("hides all of a frame that the profile makes nothing of, but control characters", () => {
    const [frame] = heardFrom(createLineBarcodeProfile(), `138 1234 5678\u001b=1,2\r\n`);
    expect(frame).toMatchObject({ text: "•••••••••••••␛••••␍␊", claims: [{ kind: "malformed", reason: "bad-code" }] });
  });

  test("shows antenna and strength beside a hidden tag, in whatever case the reader wrote it", () => {
    const [frame] = heardFrom(createLineRfidProfile(), "e2001234deadbeef00001111,3,-55.5\r\n");
    expect(frame).toMatchObject({
      text: `${"•".repeat(24)},3,-55.5␍␊`,
      claims: [{ kind: "read", isMasked: true, antenna: 3, rssiDbm: -55.5 }],
    });
  });

  test("R13 shows of a line of tags no field but those that the profile understands", () => {
    const text = (line: string) => (heardFrom(createLineRfidProfile(), `${line}\r\n`)[0] as { text: string }).text;
    const tag = "e2001234deadbeef00001111";
    const dots = "•".repeat(24);
    expect(text(`${tag},3,-55.5,1380,6.5,LiNa=7`)).toBe(`${dots},3,-55.5,••••,•••,••••=•␍␊`);
    expect(text(`Epc=${tag};ANT=3;rssi=1380;phone=1380;Schmidt=;rssi=-40`)).toBe(
      `Epc=${dots};ANT=3;rssi=••••;•••••=••••;•••••••=;rssi=-40␍␊`,
    );
    expect(text(`${tag},1380,300`)).toBe(`${dots},••••,•••␍␊`);
    expect(text(`]C0,1,-55|${tag},2|1380,3`)).not.toMatch(/[0-9A-Z]/);
  });

  test("hides all of a frame in which the code does not stand as it was decoded", () => {
    const line = createLineBarcodeProfile();
    const turning: Profile = {
      ...line,
      decodeFrame(bytes, start, end, claim) {
        const code = Buffer.from(bytes.subarray(start, end)).reverse();
        claim({ kind: "read", bytes: code, start: 0, end: code.length, medium: "barcode" });
      },
    };
    const [frame] = heardFrom(turning, `${telephone}\r\n`);
    expect(frame).toMatchObject({ text: "•••••••••••␍␊", claims: [{ isMasked: true }] });
  });

  test("shows no-reads in full", () => {
    const [frame] = heardFrom(createLineBarcodeProfile(), "NoRead\r\n");
    expect(frame).toMatchObject({ text: "NoRead␍␊", claims: [{ kind: "no-read" }] });
  });

  test("tells discarded bytes by number and reason, and their hex only when asked for everything", () => {
    const flood = "x".repeat(5_000);
    const quiet = heardFrom(createLineBarcodeProfile(), `${flood}\r\n`);
    expect(quiet).toEqual([{ kind: "discarded", reason: "too-long", byteCount: 5_000 }]);
    expect(screen(heardFrom(createLineBarcodeProfile(), `${flood}\r\n`, true))).toContain("78 78 78");
  });

  test("shows names and numbers of OPC UA values, and no text but a cleared code", () => {
    const heard: Heard[] = [];
    const probe = createProbe({
      profile: createOpcuaAutoidProfile(),
      carriers: ["sf"],
      isRaw: false,
      hear: (one) => heard.push(one),
    });
    const values = (string: string) => ({ event: "optical", results: [{ codeType: "CODE128", string, extra: 3 }] });
    probe.receive({ kind: "values", values: values(waybill) });
    probe.receive({ kind: "values", values: values(telephone) });
    const text = screen(heard);
    expect(text).toContain(`"string":"${shortened}"`);
    expect(text).not.toContain(waybill);
    expect(text).toContain('"string":"11 characters, hidden","extra":3');
    expect(text).not.toContain(telephone);
  });

  test("costs bounded memory however much comes without a frame", () => {
    const probe = createProbe({ profile: createLineBarcodeProfile(), carriers: [], isRaw: false, hear: () => {} });
    const chunk = Buffer.alloc(65_536, "x");
    for (let count = 0; count < 200; count += 1) probe.receive({ kind: "bytes", bytes: chunk });
    expect(probe.arrived().byteCount).toBe(200 * 65_536);
    expect(probe.rest().hex.length).toBeLessThan(2_000);
  });
});

describe("sortgate probe", () => {
  let folder: ReturnType<typeof aFolder>;
  let port: number;
  beforeEach(async () => {
    folder = aFolder();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    server.close();
    await once(server, "close");
  });
  afterEach(() => folder.remove());

  const device = (more = "", profile = "stx-etx-barcode", mode = "listen") => `[[device]]
name = "scanner-2"
read_point = "tunnel-1"
driver = "tcp"
mode = "${mode}"
host = "127.0.0.1"
port = ${port}
profile = "${profile}"
${more}`;

  /** Starts the built program and waits until the device is open. */
  async function opened(...argv: string[]): Promise<{ child: ChildProcess; done: Promise<[number | null, string]> }> {
    const config = aConfig(folder.path, device());
    const child = spawn(process.execPath, [builtMain, "probe", "scanner-2", "--config", config, ...argv]);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (part) => {
      stdout += part;
    });
    child.stderr.on("data", (part) => {
      stderr += part;
    });
    const done = once(child, "close").then(([code]): [number | null, string] => [code as number | null, stdout]);
    await expect.poll(() => stderr, { timeout: 15_000 }).toContain("scanner-2 is open");
    return { child, done };
  }

  function send(bytes: string): void {
    const socket = connect(port, "127.0.0.1");
    socket.end(Buffer.from(bytes, "latin1"));
  }

  test("shows what the device sends, ends after --count, and forwards and stores nothing", async () => {
    const { done } = await opened("--count", "2");
    send(`noise\u0002${waybill}\u0003\u0002${telephone}\u0003`);
    const [code, stdout] = await done;
    expect(code).toBe(0);
    expect(stdout).toContain("5 bytes discarded: noise");
    expect(stdout).toContain(`  ␂${shortened}␃`);
    expect(stdout).toContain("  ␂•••••••••••␃");
    expect(stdout).not.toContain(telephone);
    expect(readdirSync(folder.path)).toEqual(["sortgate.toml"]);
  });

  test("prints one object a frame with --json", async () => {
    const { done } = await opened("--count", "1", "--json");
    send(`\u0002${waybill}\u0003`);
    const [code, stdout] = await done;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: "frame",
      byteCount: 15,
      claims: [{ kind: "read", code: shortened }],
    });
  });

  test("ends with 1 and says that nobody called, where the device should call", async () => {
    const config = aConfig(folder.path, device());
    expect(await runHere("probe", "scanner-2", "--config", config, "--seconds", "1")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`scanner-2: nobody called 127.0.0.1 port ${port} in 1.0 s\nTry: set the scanner to call this`),
      ),
    });
  });

  test("says of a device that was opened and is silent just that, not that somebody closed it", async () => {
    const silent = createServer((socket) => socket.on("error", () => {})).listen(port, "127.0.0.1");
    await once(silent, "listening");
    const config = aConfig(folder.path, device("", "stx-etx-barcode", "connect"));
    const { code, stderr } = await runHere("probe", "scanner-2", "--config", config, "--seconds", "1");
    silent.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/Error: scanner-2 was opened, and nothing was heard in 1\.0 s\nTry: hold a label/);
    expect(stderr).not.toContain("on request");
  });

  test.each([
    [
      "line-barcode",
      `\u0002${telephone}\u0003\r\n`,
      "bytes with the control characters STX, ETX, CR, LF",
      "stx-etx-barcode",
    ],
    ["stx-etx-barcode", `${telephone}\r\n`, "bytes with the control characters CR, LF", "line-barcode"],
    ["line-rfid", `${telephone}x\r`, "bytes with the control characters CR", "line-barcode"],
  ])(
    "says what the profile %s expects, what came instead, and which one to try",
    async (profile, sent, came, better) => {
      const scanner = createServer((socket) => {
        socket.on("error", () => {});
        socket.end(Buffer.from(sent, "latin1"));
      }).listen(port, "127.0.0.1");
      await once(scanner, "listening");
      const config = aConfig(folder.path, device("", profile, "connect"));
      const { code, stdout, stderr } = await runHere("probe", "scanner-2", "--config", config, "--seconds", "5");
      scanner.close();
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`^Error: scanner-2 sent .* the profile ${profile}: it expects .*, and there came `, "m"),
      );
      expect(stderr).toContain(`${sent.length} ${came}`);
      expect(stderr).toMatch(
        new RegExp(`^Try: write profile = "${better}".*sortgate probe scanner-2 --config .* --raw`, "m"),
      );
      expect(stdout + stderr).not.toMatch(/[1345678]{4,}(?!\d*\.)/);
    },
  );

  test("ends with 1 and says so when bytes come that never make a frame", async () => {
    const { child, done } = await opened("--json");
    let shown = "";
    child.stdout?.on("data", (part) => {
      shown += part;
    });
    send(`${telephone}\r\n`);
    await expect.poll(() => shown).toContain("discarded");
    child.kill("SIGINT");
    const [code, stdout] = await done;
    expect(code).toBe(1);
    expect(stdout).toContain('"code":"device/misconfigured"');
    expect(stdout).not.toContain(telephone);
  });

  test("tells the driver's own error when the device cannot be opened", async () => {
    const config = aConfig(
      folder.path,
      '[[device]]\nname = "s"\nread_point = "tunnel-1"\ndriver = "serial"\npath = "/dev/nowhere"\nprofile = "line-barcode"',
    );
    expect(await runBuilt(["probe", "s", "--config", config])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Error: .*\/dev\/nowhere.*\nTry: /),
    });
  });

  test("lets root keep nothing of an OPC UA server in the daemon's directory, which may hold links", async () => {
    const config = aConfig(
      folder.path,
      '[[device]]\nname = "rfid-1"\nread_point = "tunnel-1"\ndriver = "opcua"\nendpoint = "opc.tcp://127.0.0.1:1"\nsecurity = "none"',
    );
    const [dataDir, elsewhere] = [join(folder.path, "data"), join(folder.path, "elsewhere")];
    for (const one of [dataDir, elsewhere]) mkdirSync(one);
    symlinkSync(elsewhere, join(dataDir, "devices"));
    chownSync(dataDir, 12_345, 12_346);
    const { code, stderr } = await runHere("probe", "rfid-1", "--config", config);
    expect(code).toBe(1);
    expect(stderr).toContain(`Root keeps no certificates in ${join(dataDir, "devices", "rfid-1")}`);
    expect(stderr).toContain(`Try: run the probe as the daemon's user: sudo -u sortgate sortgate probe rfid-1`);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test("says to stop the daemon first when that has the device open", async () => {
    const view = aView();
    view.now = aStatus({ devices: [aDevice({ name: "scanner-2" })] });
    const control = await aControl(view);
    const holder = createServer().listen(port, "127.0.0.1");
    await once(holder, "listening");
    const config = aConfig(join(folder.path, "with"), device(), control.socket);
    const { code, stderr } = await runHere("probe", "scanner-2", "--config", config);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the running daemon has scanner-2\nTry: stop the daemon first: systemctl stop sortgate/);
    holder.close();
    await control.close();
  });

  test("of a device that there is not names those that there are, and ends with 2", async () => {
    expect(existsSync(builtMain)).toBe(true);
    const config = aConfig(folder.path, device());
    expect(await runHere("probe", "scanner-9", "--config", config)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("one of scanner-2"),
    });
  });
});
