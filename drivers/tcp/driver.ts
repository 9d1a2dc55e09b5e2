import type { Driver } from "../../src/driver/port.ts";
import { connect } from "./connect.ts";
import { givenUp } from "./failure.ts";
import { listen } from "./listen.ts";
import type { TcpSettings } from "./settings.ts";

/**
 * Bytes over TCP: scanners on Ethernet and serial device servers.
 *
 * `connect`: this box calls the scanner; the session is that connection.
 * `listen`:  the scanner calls this box; the session is the open port, over any number of calls.
 *
 * Fails:  with one sentence each: refused, unknown host, no way there, no answer in time; port in use, not an address of
 *         this box, no permission.
 */
export const tcpDriver: Driver<TcpSettings> = {
  name: "tcp",
  async open(settings, context) {
    const { host, port, mode } = settings;
    if (context.signal.aborted) throw givenUp(host, port);
    const session = await (mode === "listen" ? listen : connect)(settings, context);
    if (!context.signal.aborted) return session;
    await session.close();
    throw givenUp(host, port);
  },
};
