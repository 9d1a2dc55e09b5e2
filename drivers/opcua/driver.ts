import "./environment.ts";
import type { Driver } from "../../src/driver/port.ts";
import { limits } from "../../src/model/limits.ts";
import { watchReaders } from "./autoid.ts";
import { explainConnect } from "./explain.ts";
import { connect } from "./session.ts";
import type { OpcuaSettings } from "./settings.ts";
import { watchTags } from "./tags.ts";

/**
 * OPC UA: events of AutoID readers (OPC 30010), or a code and a counter behind a PLC.
 *
 * Loses:   what the server loses; a queue that overflowed and a counter that jumped are told by the profile as gaps.
 */
export const opcuaDriver: Driver<OpcuaSettings> = {
  name: "opcua",
  openMsMax: limits.opcuaOpenMsMax,
  retryMsMax: limits.opcuaRetryMsMax,
  async open(settings, context) {
    const connection = await connect(settings, context);
    try {
      await (settings.mode === "autoid" ? watchReaders : watchTags)(connection, settings, context);
    } catch (error) {
      await connection.close();
      throw explainConnect(error, settings, context.stateDir);
    }
    return connection;
  },
};
