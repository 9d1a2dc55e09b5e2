import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A serial port that this machine has. */
export interface SerialPortFound {
  /** The device node, such as `/dev/ttyUSB0`; may change when devices are plugged in another order. */
  readonly node: string;
  /** Names that stay: by-id names the device, by-path the socket that it is plugged into. Best first. */
  readonly stable: readonly string[];
  /** What the device says about itself; text from outside. Empty if it says nothing. */
  readonly description: string;
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function fact(path: string): Promise<string> {
  return (await readFile(path, "utf8").catch(() => "")).trim().slice(0, 120);
}

/** Links in a folder of udev, by the name of the node that they lead to. */
async function linksIn(root: string, folder: string): Promise<[node: string, link: string][]> {
  const links = await Promise.all(
    (await namesIn(join(root, folder))).map(async (name): Promise<[string, string][]> => {
      const target = await readlink(join(root, folder, name)).catch(() => undefined);
      return target === undefined ? [] : [[basename(target), join(folder, name)]];
    }),
  );
  return links.flat();
}

/** What a USB device says of itself; it stands some folders above its port. */
async function describe(device: string): Promise<string> {
  let folder = device;
  for (let level = 0; level < 4; level += 1) {
    const [product, manufacturer, serial] = await Promise.all(
      ["product", "manufacturer", "serial"].map((name) => fact(join(folder, name))),
    );
    if (product) return [manufacturer, product, serial && `serial number ${serial}`].filter(Boolean).join(", ");
    folder = dirname(folder);
  }
  return "";
}

/**
 * Finds the serial ports of this machine in what the kernel and udev offer, without opening any.
 *
 * Takes:  `root`, the directory that stands for `/`.
 * Gives:  ports with hardware behind them, in order; none where there is no /sys.
 * Fails:  never; what cannot be read is left out.
 */
export async function findSerialPorts(root = "/"): Promise<SerialPortFound[]> {
  const links = [...(await linksIn(root, "/dev/serial/by-id")), ...(await linksIn(root, "/dev/serial/by-path"))];
  const found = await Promise.all(
    (await namesIn(join(root, "/sys/class/tty"))).map(async (name): Promise<SerialPortFound[]> => {
      const folder = join(root, "/sys/class/tty", name);
      const device = await realpath(join(folder, "device")).catch(() => undefined);
      // Type 0 is a place for a port on the board that was never fitted; ports on USB have no type file at all.
      if (device === undefined || (await fact(join(folder, "type"))) === "0") return [];
      const stable = links.flatMap(([node, link]) => (node === name ? [link] : []));
      return [{ node: `/dev/${name}`, stable, description: await describe(device) }];
    }),
  );
  const ports = found.flat();
  const known = new Set(ports.map(({ node }) => basename(node)));
  // A container may see udev's links without /sys.
  const linked = new Set(links.map(([node]) => node).filter((node) => !known.has(node)));
  const others = [...linked].map((node) => ({
    node: `/dev/${node}`,
    stable: links.flatMap(([name, link]) => (name === node ? [link] : [])),
    description: "",
  }));
  return [...ports, ...others];
}
