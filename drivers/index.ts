import type { Driver, Profile, ProfileOptions } from "../src/driver/port.ts";
import type { OpcuaSettings } from "./opcua/settings.ts";
import type { SerialSettings } from "./serial/settings.ts";
import type { TcpSettings } from "./tcp/settings.ts";

/** What a `[[device]]` of the config may be; `driver` says which. */
export type DeviceSettings = OpcuaSettings | SerialSettings | TcpSettings;

/**
 * Loads a driver by the word used in the config file.
 *
 * Each is imported only when asked for: a site without OPC UA never loads its 80 MB. Open the driver only with settings
 * whose `driver` is this word.
 */
export async function loadDriver(name: DeviceSettings["driver"]): Promise<Driver<DeviceSettings>> {
  switch (name) {
    case "serial":
      return (await import("./serial/driver.ts")).serialDriver;
    case "tcp":
      return (await import("./tcp/driver.ts")).tcpDriver;
    case "opcua":
      return (await import("./opcua/driver.ts")).opcuaDriver;
  }
}

/** Makes the profile of one device: a new one each time, for it holds the state of that device's stream. */
export async function loadProfile(device: DeviceSettings): Promise<Profile> {
  if (device.driver === "opcua") return loadOpcuaProfile(device);
  const options: ProfileOptions = { noRead: device.no_read, heartbeat: device.heartbeat };
  switch (device.profile) {
    case "line-barcode":
      return (await import("./profiles/line-barcode/profile.ts")).createLineBarcodeProfile(options);
    case "stx-etx-barcode":
      return (await import("./profiles/stx-etx-barcode/profile.ts")).createStxEtxBarcodeProfile(options);
    case "line-rfid":
      return (await import("./profiles/line-rfid/profile.ts")).createLineRfidProfile(options);
  }
}

async function loadOpcuaProfile(device: OpcuaSettings): Promise<Profile> {
  if (device.mode === "autoid") return (await import("./profiles/opcua-autoid/profile.ts")).createOpcuaAutoidProfile();
  const { createOpcuaTagsProfile } = await import("./profiles/opcua-tags/profile.ts");
  return createOpcuaTagsProfile({ sequenceMax: device.tag?.[0]?.sequence_max });
}
