import { serialDriver } from "../../../drivers/serial/driver.ts";
import { describeDriver } from "../../contract/driver-contract.ts";
import { openPseudoTerminal, serialSettingsOf } from "./pseudo-terminal.ts";

for (const flow_control of ["none", "hardware"] as const)
  describeDriver(`serial, on a pseudo-terminal, flow control: ${flow_control}`, serialDriver, async () => {
    const terminal = await openPseudoTerminal();
    return {
      settings: serialSettingsOf(terminal.path, { flow_control }),
      unopenable: serialSettingsOf(`${terminal.path}-absent`),
      deliver: (bytes) => terminal.write(bytes),
      hangUp: () => terminal.unplug(),
      holdsBack: flow_control !== "none",
      outlivesHangUp: false,
      dispose: () => terminal.dispose(),
    };
  });
