import { serialDriver } from "../../../drivers/serial/driver.ts";
import { describeDriver } from "../../contract/driver-contract.ts";
import { openPseudoTerminal, serialSettingsOf } from "./pseudo-terminal.ts";

describeDriver("serial, on a pseudo-terminal", serialDriver, async () => {
  const terminal = await openPseudoTerminal();
  return {
    settings: serialSettingsOf(terminal.path),
    unopenable: serialSettingsOf(`${terminal.path}-absent`),
    deliver: (bytes) => terminal.write(bytes),
    hangUp: () => terminal.unplug(),
    outlivesHangUp: false,
    dispose: () => terminal.dispose(),
  };
});
