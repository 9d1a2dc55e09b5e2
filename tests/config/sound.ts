/** The example of the contract, with a whole by-id path. */
export const contractExample = `[gateway]
site = "HZ01"                 # topic segment: letters, digits, - and _
id = "line-3"
data_dir = "/var/lib/sortgate"

[[broker]]                    # one or more; each has its own cursor
name = "central"
url = "mqtts://broker.example:8883"     # mqtt:// only to loopback, unless allow_plaintext = true
ca_file = "/etc/sortgate/ca.pem"
cert_file = "/etc/sortgate/gateway.pem"
key_file = "/etc/sortgate/gateway.key"
# username = "…", password_file = "…", protocol = 5 | 4 (default 5, falls back to 4 and says so)
# in_flight_max = 256, keepalive_s = 30, topic_prefix = "sortgate"

[queue]
bytes_max = 2_000_000_000     # hard cap on disk
retain_days = 30              # delivered events stay this long, then go, with a signed record of their going
when_full = "drop-oldest"     # or "drop-newest", "stop-reading"; never silent

[[read_point]]
name = "tunnel-1"
depart_ms = 500               # a pass ends when its code was not read for this long
pass_max_ms = 30_000          # longer: one "stalled" pass, then silence until it really departs
emit = "first"                # "first" (at once), "pass" (summary at the end), "both"
reads_min = 1                 # noise gates
# rssi_min_dbm = -65

[[device]]
name = "scanner-1"
read_point = "tunnel-1"
driver = "serial"
path = "/dev/serial/by-id/usb-Maker_Scanner_0001-if00"
baud_rate = 115200            # data_bits, parity, stop_bits, flow_control as usual
profile = "line-barcode"

[[device]]
name = "scanner-2"
read_point = "tunnel-1"
driver = "tcp"                # serial device servers and Ethernet scanners; mode = "connect" (default) or "listen"
host = "10.1.4.20"
port = 2112
profile = "stx-etx-barcode"

[[device]]
name = "rfid-1"
read_point = "tunnel-1"
driver = "opcua"
endpoint = "opc.tcp://10.1.4.30:4840"
mode = "autoid"               # OPC 30010 events; or "tags" with [[device.tag]] node ids

[guard]
carriers = ["sf", "yto", "zto", "sto", "yunda", "jd", "jt", "ems", "s10", "sscc"]   # shapes that may leave in clear
unknown = "token"             # "token" (keyed, class and length only) or "drop"

[control]
socket = "/run/sortgate/control.sock"
http = "127.0.0.1:9477"       # status page, /metrics, /healthz, /readyz; loopback only unless told otherwise

[log]
level = "info"
`;

/** The smallest sound configuration, 14 lines; broken ones are made from it. */
export const smallest = `[gateway]
site = "HZ01"
id = "line-3"
[[broker]]
name = "central"
url = "mqtt://127.0.0.1:1883"
[[read_point]]
name = "tunnel-1"
[[device]]
name = "scanner-1"
read_point = "tunnel-1"
driver = "serial"
path = "/dev/serial/by-id/usb-a"
profile = "line-barcode"
`;
