import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSecretSearch, filesBelow } from "../fakes/canary.ts";
import {
  askStatus,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const person = { name: "张晓明", mobile: "13912345678", address: "浙江省杭州市西湖区文三路90号3幢502室" };
const label = (waybill: string): string =>
  framed(Buffer.from(JSON.stringify({ waybillNo: waybill, receiver: person }), "utf8").toString("latin1"));
const pem = { format: "pem" } as const;

async function aRig(seal: "sealed" | "without a key") {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const rest = oneScanner(scanner.port).replace("[guard]", '[guard]\ncore = "seal"\nseal_key_file = "centre.pem"');
  const site = makeSite({ brokerUrl: url, rest });
  if (seal === "sealed") writeFileSync(join(site.dir, "centre.pem"), publicKey.export({ type: "spki", ...pem }));
  const daemon = await startDaemon(site);
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => scanner.close(),
    () => daemon.end("SIGKILL"),
  );
  await scanner.connected();
  /** What the subscriber got, as a file. */
  const captured = (): string => {
    const path = join(site.dir, "captured.jsonl");
    const lines = subscriber.messages.filter(({ topic }) => !topic.endsWith("/status"));
    writeFileSync(path, lines.map(({ topic, text }) => `${topic} ${text}\n`).join(""));
    return path;
  };
  return { scanner, subscriber, site, daemon, privateKey: privateKey.export({ type: "pkcs8", ...pem }), captured };
}

describe("R04 personal data on labels", () => {
  it("goes sealed to the centre, which alone opens it; the box holds nothing of it", async () => {
    const { scanner, subscriber, site, daemon, privateKey, captured } = await aRig("sealed");
    const waybills = ["SF1385628716739", "SF1385628716740"];
    for (const waybill of waybills) scanner.send(label(waybill));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual(waybills), 10_000);
    const search = createSecretSearch(Object.values(person));
    for (const { path, bytes } of filesBelow(site.dataDir)) expect(search.in(bytes), path).toEqual([]);
    for (const { topic, text } of subscriber.messages) expect(search.in(Buffer.from(text)), topic).toEqual([]);
    expect(search.in(Buffer.concat([...daemon.output.chunks]))).toEqual([]);

    const keyPath = join(site.dir, "centre.key");
    writeFileSync(keyPath, privateKey);
    const opened = await runCommand(["open", captured(), "--key", keyPath, "--json"]);
    expect([opened.code, opened.stderr]).toEqual([0, ""]);
    const lines = opened.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ fields }) => fields)).toEqual(
      waybills.map(() => [
        { kind: "name", value: person.name },
        { kind: "phone", value: person.mobile },
        { kind: "address", value: person.address },
      ]),
    );
    const shown = await runCommand(["open", captured(), "--key", keyPath]);
    expect(shown.stdout).toContain(`name  "${person.name}"`);
    expect(shown.stdout).toContain("opened 2, without their key 0, altered 0");

    const other = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
    writeFileSync(keyPath, other.export({ type: "pkcs8", ...pem }));
    const refused = await runCommand(["open", captured(), "--key", keyPath]);
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining("opened 0, without their key 2")]);
    expect(search.in(Buffer.from(refused.stdout))).toEqual([]);
    const fingerprint = "([0-9a-f]{4} ){3}[0-9a-f]{4}";
    expect(refused.stderr).toMatch(
      RegExp(
        `^Error: This private key is not the one that 2 of these were sealed to: they want ${fingerprint}, this is ${fingerprint}\nTry: `,
      ),
    );
    const [, wanted] = /they want ([0-9a-f ]+),/.exec(refused.stderr)!;
    const told = [
      await runCommand(["status", "--config", site.configPath]),
      await runCommand(["check", "--config", site.configPath]),
    ];
    expect(told.map(({ stdout }) => stdout)).toEqual([
      expect.stringContaining(`Sealed to ${wanted} (${join(site.dir, "centre.pem")})`),
      expect.stringMatching(RegExp(`^seal key +${wanted}$`, "m")),
    ]);
    const json = await runCommand(["open", captured(), "--key", keyPath, "--json"]);
    const reasons = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(reasons).toMatchObject(
      waybills.map(() => ({ reason: "other-key", wanted: [expect.stringMatching(/^[0-9a-f]{64}$/)] })),
    );
    const { sealKey } = await askStatus(site);
    expect(reasons[0].wanted).toEqual([sealKey?.fingerprint]);
    writeFileSync(keyPath, "hello");
    const wrong = await runCommand(["open", captured(), "--key", keyPath]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("holds no private key")]);
    writeFileSync(keyPath, privateKey);
    const nothing = await runCommand(["open", keyPath, "--key", keyPath]);
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining("There is no event in")]);
  });

  it("is dropped where the centre's key is not there, the log says so, and parcels go on", async () => {
    const { scanner, subscriber, daemon, site } = await aRig("without a key");
    scanner.send(label("SF1385628716739"));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual(["SF1385628716739"]), 10_000);
    expect(subscriber.messages.some(({ text }) => text.includes('"sealed"'))).toBe(false);
    const told = logLines(daemon).filter(({ name }) => name === "guard/unsealed");
    expect(told).toHaveLength(1);
    expect(told[0]?.msg).toContain(`Try: sortgate check --config ${site.configPath}`);
    const alarms = subscriber.messages
      .filter(({ topic }) => topic.endsWith("/log/alarm"))
      .map(({ text }) => JSON.parse(text));
    expect(alarms.map(({ data }) => data.alarm)).toContain("unsealed");
    const status = await runCommand(["status", "--config", site.configPath]);
    expect([status.code, status.stdout]).toEqual([1, expect.stringContaining("Nothing can be sealed to the centre")]);
  });
});
