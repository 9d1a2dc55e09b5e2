import { once } from "node:events";
import type { Socket } from "node:net";
import { tcpDriver } from "../../../drivers/tcp/driver.ts";
import { describeDriver } from "../../contract/driver-contract.ts";
import { call, freePort, openScanner, tcpSettingsOf } from "./rig.ts";

describeDriver("tcp, calling the scanner", tcpDriver, async () => {
  const scanner = await openScanner();
  return {
    settings: tcpSettingsOf(scanner.port),
    unopenable: tcpSettingsOf(await freePort()),
    deliver: async (bytes) => {
      if (scanner.sockets.length === 0) await once(scanner.server, "connection");
      scanner.sockets.at(-1)?.write(bytes);
    },
    hangUp: () => scanner.sockets.at(-1)?.end() && undefined,
    holdsBack: true,
    outlivesHangUp: false,
    dispose: () => scanner.dispose(),
  };
});

describeDriver("tcp, called by the scanner", tcpDriver, async () => {
  const port = await freePort();
  const taken = await openScanner();
  let caller: Socket | undefined;
  return {
    settings: tcpSettingsOf(port, { mode: "listen" }),
    unopenable: tcpSettingsOf(taken.port, { mode: "listen" }),
    deliver: async (bytes) => {
      if (caller === undefined || caller.destroyed || caller.readableEnded) caller = await call(port);
      caller.write(bytes);
    },
    hangUp: async () => {
      if (caller === undefined) return;
      caller.destroy();
      await once(caller, "close");
    },
    holdsBack: true,
    outlivesHangUp: true,
    dispose: async () => {
      caller?.destroy();
      await taken.dispose();
    },
  };
});
