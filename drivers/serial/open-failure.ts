import { SortgateError } from "../../src/model/error.ts";

/**
 * Explains why a device node could not be opened.
 *
 * Takes:   an error of `stat` or of serialport; the latter has no code, only the system's words in its message.
 */
export function explainOpenFailure(path: string, error: unknown): SortgateError {
  const said = error instanceof Error ? error.message : "";
  const context = { path };
  if (/ENOENT|ENOTDIR|No such file/.test(said))
    return new SortgateError(
      "device/unplugged",
      `There is no ${path}: the device is not plugged in or has another name`,
      {
        hint: "check cable and power, then list the ports that are there: sortgate devices",
        cause: error,
        context,
      },
    );
  if (/EACCES|EPERM|Permission denied|not permitted/.test(said))
    return new SortgateError("device/refused", `No permission to open ${path}`, {
      hint: "add the user that runs sortgate to the group dialout, then start sortgate again: usermod -aG dialout sortgate",
      cause: error,
      context,
    });
  if (/Cannot lock port|busy/.test(said))
    return new SortgateError("device/refused", `Another program uses ${path}`, {
      hint: `find it with: fuser ${path} (often ModemManager, a terminal program or a second sortgate), and stop it`,
      cause: error,
      context,
    });
  if (/Inappropriate ioctl/.test(said)) return notASerialPort(path, error);
  if (/baud/.test(said) && !/Input\/output/.test(said))
    return new SortgateError("device/misconfigured", `${path} does not accept the line settings of the config`, {
      hint: "set a baud_rate that this port can do, such as 9600 or 115200",
      cause: error,
      context,
    });
  return new SortgateError("device/unreachable", `${path} does not answer: there is no working port behind this name`, {
    hint: "plug the adapter in again, then look what the kernel says: dmesg | tail",
    cause: error,
    context,
  });
}

/** The node is there, but it is a file, a directory or another kind of device. */
export function notASerialPort(path: string, cause?: unknown): SortgateError {
  return new SortgateError("device/misconfigured", `${path} is not a serial port`, {
    hint: "set path to a serial port; list those of this machine with: sortgate devices",
    cause,
    context: { path },
  });
}
