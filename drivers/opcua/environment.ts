import { homedir, tmpdir } from "node:os";

/*
 * Imported before node-opcua, for what it does while it loads:
 * - it asks for the home directory, and dies where there is none (a systemd DynamicUser);
 * - its own log goes to stdout, which is ours, and prints codes that were read, which must not leave.
 */
try {
  homedir();
} catch {
  process.env.HOME = tmpdir();
}
process.env.NODEOPCUA_LOG_LEVEL = "0";
