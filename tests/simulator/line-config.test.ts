import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { demoReadPoint, fillConfig, readTemplate } from "../../simulator/line-config.ts";
import { readConfig } from "../../src/config/index.ts";

const directory = mkdtempSync(join(tmpdir(), "line-config-"));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const places = {
  addresses: { serialPath: "/dev/pts/9", tcpPort: 2_112, opcuaEndpoint: "opc.tcp://127.0.0.1:4840" },
  dataDir: join(directory, 'a "quoted" directory'),
  controlSocket: join(directory, "control.sock"),
  brokerUrl: "mqtt://127.0.0.1:1883",
};

describe("config/demo.toml", () => {
  it("is a valid config once it is filled in", async () => {
    const path = join(directory, "sortgate.toml");
    writeFileSync(path, fillConfig(readTemplate(), places));
    const config = await readConfig(path);
    expect(config.gateway.data_dir).toBe(places.dataDir);
    expect(config.devices.map(({ name, driver }) => [name, driver])).toEqual([
      ["scanner-1", "serial"],
      ["scanner-2", "tcp"],
      ["rfid-1", "opcua"],
    ]);
  });

  it("has the read point that the virtual line counts on", async () => {
    const path = join(directory, "again.toml");
    writeFileSync(path, fillConfig(readTemplate(), places));
    const [point, ...others] = (await readConfig(path)).readPoints;
    expect(others).toEqual([]);
    expect(point).toMatchObject({ name: demoReadPoint.name, pass_max_ms: demoReadPoint.passMaxMs, emit: "first" });
  });

  it("names every placeholder that it uses", () => {
    const template = readTemplate();
    const used = new Set(template.replaceAll(/^#.*$/gm, "").match(/\{\{\w+\}\}/g));
    const named = new Set(template.match(/^# {3}\{\{\w+\}\}/gm)?.map((text) => text.slice(4)));
    expect([...used].sort()).toEqual([...named].sort());
  });

  it("refuses a placeholder that nobody fills in", () => {
    expect(() => fillConfig("a = {{nobody}}", places)).toThrow("{{nobody}}");
  });
});
