import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An ext4 file system of its own, in a file, whose power can be cut. */
export interface LoopDisk {
  readonly mountPoint: string;
  /** What was not flushed is lost, and every call fails from now on, as if the disk were gone. */
  cutPower(): void;
  /** Takes it away and mounts it again, as a boot does. */
  remount(): void;
  remove(): void;
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: the journal is not flushed either (fs/ext4/ext4.h). */
const shutdown = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))
`;

/** Makes one. Fails where this machine has no loop devices or may not mount. */
export function openLoopDisk(megabytes = 64): LoopDisk {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-disk-"));
  const mountPoint = join(folder, "mnt");
  let image = join(folder, "disk-0.img");
  let boots = 0;
  mkdirSync(mountPoint);
  execFileSync("truncate", ["-s", `${megabytes}M`, image]);
  execFileSync("mkfs.ext4", ["-q", "-F", image]);
  // The kernel must not write back on its own for so long, or the cut would take nothing.
  const mount = (): void => {
    execFileSync("mount", ["-o", "loop,commit=300", image, mountPoint]);
  };
  mount();
  return {
    mountPoint,
    cutPower() {
      execFileSync("python3", ["-c", shutdown, mountPoint]);
    },
    remount() {
      // The medium is copied as it is: a mount that some other namespace still holds would keep the dead file system.
      boots += 1;
      const medium = join(folder, `disk-${boots}.img`);
      execFileSync("cp", ["--sparse=always", image, medium]);
      execFileSync("umount", ["-l", mountPoint]);
      rmSync(image);
      image = medium;
      mount();
    },
    remove() {
      execFileSync("umount", ["-l", mountPoint]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
