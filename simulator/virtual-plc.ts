import "../drivers/opcua/environment.ts";
import {
  DataType,
  DataValue,
  nodesets,
  StatusCodes,
  type UAVariable,
  VariantArrayType,
  type VariantOptions,
} from "node-opcua";
import { prepareServer, type ServerAccess } from "./opcua-server.ts";

export interface VirtualPlcOptions extends ServerAccess {
  /** Port on 127.0.0.1; 0 for any free one. */
  readonly port: number;
  /** Where the server keeps its files. */
  readonly stateDir: string;
  /** What the counter says at the start. */
  readonly sequence?: number;
  /** The counter's data type. */
  readonly sequenceType?: "Byte" | "Int16" | "UInt16" | "Int32" | "UInt32" | "UInt64";
}

export interface VirtualPlc {
  readonly endpoint: string;
  readonly certificateFile: string;
  /** What the last client that logged in showed, DER. */
  clientCertificate(): Uint8Array | undefined;
  readonly codeNode: string;
  readonly sequenceNode: string;
  /** Writes the code, then counts up by `step`: more than 1 is a scan that nobody can read any more. */
  scan(code: string, step?: number): void;
  /** Sets the counter, as the program of a PLC does at the end of its range; the code is written before. */
  jump(code: string, sequence: number): void;
  /** Counts up with a code that the server does not vouch for, as one does that lost its PLC. */
  spoil(): void;
  /** Makes the PLC scan this code in the middle of the next read of the code node. */
  scanDuringRead(code: string): void;
  /** How often the code node was read. */
  codeReadCount(): number;
  close(): Promise<void>;
}

/** The node that holds the code; `onRead` runs before its value is taken. */
function createCodeNode(onRead: () => void): {
  set(code: string, isGood: boolean): void;
  bind(node: UAVariable): void;
} {
  let value = new DataValue({ value: { dataType: DataType.String, value: "" } });
  return {
    set(code, isGood) {
      const now = new Date();
      value = new DataValue({
        value: { dataType: DataType.String, value: code },
        statusCode: isGood ? StatusCodes.Good : StatusCodes.UncertainLastUsableValue,
        sourceTimestamp: now,
        serverTimestamp: now,
      });
    },
    bind(node) {
      node.bindVariable({
        timestamped_get: () => {
          onRead();
          return value;
        },
      });
    },
  };
}

/** Opens a virtual PLC behind an OPC UA server: a node that holds the last code, and one that counts scans. */
export async function openVirtualPlc(options: VirtualPlcOptions): Promise<VirtualPlc> {
  const virtual = await prepareServer({
    port: options.port,
    stateDir: options.stateDir,
    nodesets: [nodesets.standard],
    access: options,
  });
  const space = virtual.server.engine.addressSpace;
  if (space === null) throw new Error("The server has no address space");
  const own = space.getOwnNamespace();
  const folder = own.addObject({ browseName: "Scanner", organizedBy: space.rootFolder.objects });
  const { sequenceType = "UInt32" } = options;
  const counterValue = (value: number): VariantOptions => ({
    dataType: DataType[sequenceType],
    arrayType: VariantArrayType.Scalar,
    value: sequenceType === "UInt64" ? [Math.floor(value / 2 ** 32), value % 2 ** 32] : value,
  });
  const codeNode = own.addVariable({
    browseName: "Code",
    nodeId: "s=Scanner.Code",
    componentOf: folder,
    dataType: "String",
  });
  const counter = own.addVariable({
    browseName: "Sequence",
    nodeId: "s=Scanner.Sequence",
    componentOf: folder,
    dataType: sequenceType,
    minimumSamplingInterval: 0,
    value: counterValue(options.sequence ?? 0),
  });
  let sequence = options.sequence ?? 0;
  let codeReadCount = 0;
  // The library asks for each value once before a read begins, and once more in its turn: that is the middle.
  let during: { readonly code: string; getsLeft: number } | undefined;
  const code = createCodeNode(() => {
    codeReadCount += 1;
    if (during === undefined) return;
    during.getsLeft -= 1;
    if (during.getsLeft > 0) return;
    const { code: next } = during;
    during = undefined;
    scan(next);
  });
  const scan = (text: string, step = 1, isGood = true): void => {
    code.set(text, isGood);
    sequence += step;
    counter.setValueFromSource(counterValue(sequence));
  };
  code.set("", true);
  code.bind(codeNode);
  const endpoint = await virtual.listen();
  return {
    endpoint,
    certificateFile: virtual.certificateFile,
    clientCertificate: virtual.clientCertificate,
    codeNode: codeNode.nodeId.toString(),
    sequenceNode: counter.nodeId.toString(),
    scan: (text, step) => scan(text, step),
    jump(text, to) {
      code.set(text, true);
      sequence = to;
      counter.setValueFromSource(counterValue(to));
    },
    spoil: () => scan("spoilt", 1, false),
    scanDuringRead(text) {
      during = { code: text, getsLeft: 2 };
    },
    codeReadCount: () => codeReadCount,
    close: () => virtual.close(),
  };
}
