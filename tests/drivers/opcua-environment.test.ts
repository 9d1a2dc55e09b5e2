import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { expect, test, vi } from "vitest";
import { aDevice, aFolder, aRecorder } from "../fakes/opcua.ts";

/** What Node does under a systemd DynamicUser: no HOME, and no entry in the password file to take it from. */
function forgetHome(): void {
  delete process.env.HOME;
  os.homedir = () => {
    if (process.env.HOME === undefined) throw new Error("A system error occurred: uv_os_homedir returned ENOENT");
    return process.env.HOME;
  };
  syncBuiltinESMExports();
}

test("the driver loads without a home directory, and its library prints nothing", async () => {
  const printed = [vi.spyOn(console, "log"), vi.spyOn(console, "warn"), vi.spyOn(console, "error")];
  forgetHome();
  const { opcuaDriver } = await import("../../drivers/opcua/driver.ts");
  const folder = aFolder();
  try {
    // Port 1 is free on any machine that runs tests; the library says several lines about it.
    const opening = opcuaDriver.open(aDevice({ endpoint: "opc.tcp://127.0.0.1:1" }), aRecorder(folder.path).context);
    await expect(opening).rejects.toMatchObject({ code: "device/unreachable" });
  } finally {
    folder.remove();
  }
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
});
