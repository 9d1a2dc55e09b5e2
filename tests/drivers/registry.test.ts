import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { type DeviceSettings, loadDriver, loadProfile } from "../../drivers/index.ts";
import { opcuaSettings } from "../../drivers/opcua/settings.ts";
import { serialSettingsOf } from "./serial/pseudo-terminal.ts";
import { tcpSettingsOf } from "./tcp/rig.ts";

/** Whether a package was loaded in this process. */
function isLoaded(name: string): boolean {
  const { cache } = createRequire(import.meta.url);
  return Object.keys(cache).some((path) => path.includes(`node_modules/${name}/`));
}

const opcua = (more: object): DeviceSettings =>
  opcuaSettings.parse({
    name: "rfid-1",
    read_point: "tunnel-1",
    driver: "opcua",
    endpoint: "opc.tcp://127.0.0.1:4840",
    ...more,
  });

describe("the registry of drivers", () => {
  it("loads a driver and its library only when asked for it", async () => {
    expect(isLoaded("serialport")).toBe(false);
    expect((await loadDriver("tcp")).name).toBe("tcp");
    expect(isLoaded("serialport")).toBe(false);
    expect((await loadDriver("serial")).name).toBe("serial");
    expect(isLoaded("serialport")).toBe(true);
    for (const profile of ["line-barcode", "stx-etx-barcode", "line-rfid"] as const) {
      expect((await loadProfile(serialSettingsOf("/dev/ttyS0", { profile }))).name).toBe(profile);
      expect((await loadProfile(tcpSettingsOf(2_112, { profile }))).name).toBe(profile);
    }
    expect(isLoaded("node-opcua-client")).toBe(false);
    expect((await loadDriver("opcua")).name).toBe("opcua");
    expect(isLoaded("node-opcua-client")).toBe(true);
  });

  it("makes a new profile each time, since it holds the state of one stream", async () => {
    const settings = tcpSettingsOf(2_112);
    expect(await loadProfile(settings)).not.toBe(await loadProfile(settings));
  });

  it("gives the technician's texts to the profile", async () => {
    const profile = await loadProfile(tcpSettingsOf(2_112, { no_read: ["LEER"], heartbeat: ["PING"] }));
    const kinds: string[] = [];
    for (const text of ["LEER", "PING", "NoRead"])
      profile.decodeFrame?.(Buffer.from(text), 0, text.length, (claim) => void kinds.push(claim.kind));
    expect(kinds).toEqual(["no-read", "heartbeat", "read"]);
  });

  it("gives an OPC UA device the profile of its mode", async () => {
    const tag = [{ code: "ns=2;s=Code", sequence: "ns=2;s=Seq" }];
    expect((await loadProfile(opcua({ mode: "autoid" }))).name).toBe("opcua-autoid");
    expect((await loadProfile(opcua({ mode: "tags", tag }))).name).toBe("opcua-tags");
  });
});
