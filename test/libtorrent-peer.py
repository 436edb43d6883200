"""One libtorrent client that knows no peer but those that connect to it.

Argument: JSON with `address`, `port`, `torrent`, `data`, `isSeed`, and optional `settings`. Prints one JSON object a line:
`{"event": "ready"}` once it listens, `{"event": "finished"}` once it is complete, and for each line on standard input
`{"uploaded": …, "downloaded": …, "progress": …}`, bytes of content.
"""

import json
import sys
import threading

import libtorrent as lt

instructions = json.loads(sys.argv[1])
session = lt.session(
    {
        "listen_interfaces": f"{instructions['address']}:{instructions['port']}",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
        "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
        **instructions.get("settings", {}),
    }
)
parameters = lt.add_torrent_params()
parameters.ti = lt.torrent_info(instructions["torrent"])
parameters.save_path = instructions["data"]
if instructions["isSeed"]:
    parameters.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(parameters)
lock = threading.Lock()


def write(message):
    """Prints one line."""
    with lock:
        print(json.dumps(message), flush=True)


def report():
    """Answers each line with the totals of the torrent."""
    for _ in sys.stdin:
        status = handle.status()
        write(
            {
                "uploaded": status.total_payload_upload,
                "downloaded": status.total_payload_download,
                "progress": status.progress,
            }
        )


threading.Thread(target=report, daemon=True).start()
write({"event": "ready"})
while True:
    session.wait_for_alert(200)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.torrent_finished_alert) and not instructions["isSeed"]:
            write({"event": "finished"})
        elif isinstance(alert, (lt.file_error_alert, lt.torrent_error_alert)):
            print(alert.message(), file=sys.stderr, flush=True)
