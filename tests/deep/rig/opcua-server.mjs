// A PLC behind an OPC UA server as a process of its own, so that it can be stopped and killed: one code each 50 ms.
// Takes: port, directory for its files, first number. Each line on stdin makes its counter jump, as a burst does.
import { createInterface } from "node:readline";
import { openVirtualPlc } from "../../../dist/simulator/virtual-plc.js";

const [port, stateDir, first] = process.argv.slice(2);
let number = Number(first);
const plc = await openVirtualPlc({ port: Number(port), stateDir, security: "none", sequence: number % 60_000 });
const scan = (step) => {
  plc.scan(`SF1${String(number).padStart(12, "0")}`, step);
  number += step;
};
setInterval(() => scan(1), 50);
createInterface({ input: process.stdin }).on("line", () => scan(5));
process.stdout.write(`${plc.codeNode} ${plc.sequenceNode}\n`);
