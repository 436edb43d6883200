"""One libtorrent host of the laboratory.

Takes one JSON order as its argument, listens, prints "ready", and adds its torrents when a line arrives on standard
input. Everything that the order's settings do not name stays as libtorrent ships it, except what needs an internet:
DHT, local discovery and port mapping are off. An empty file in the order's `done` directory says that a torrent is
complete. Ends, with a farewell to its trackers, on SIGTERM.
"""

import json
import os
import signal
import sys
import time

import libtorrent as lt

# Kept in the host's log: what is wanted when a host did not finish.
LOGGED = (
    lt.state_changed_alert,
    lt.tracker_announce_alert,
    lt.tracker_reply_alert,
    lt.tracker_error_alert,
    lt.torrent_error_alert,
    lt.file_error_alert,
)

order = json.loads(sys.argv[1])

session = lt.session(
    {
        "listen_interfaces": order["address"] + ":6881",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "alert_mask": lt.alert.category_t.status_notification
        | lt.alert.category_t.error_notification
        | lt.alert.category_t.tracker_notification,
        **order["settings"],
    }
)


def leave(_signal, _frame):
    """Says goodbye to the trackers: an aborted session gives them its stop timeout, five seconds at most."""
    proxy = session.abort()
    del proxy
    os._exit(0)


print("ready", flush=True)
sys.stdin.readline()

for path in order["torrents"]:
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(path)
    parameters.save_path = order["data"]
    if order["isSource"]:
        parameters.flags |= lt.torrent_flags.seed_mode
    session.add_torrent(parameters)

signal.signal(signal.SIGTERM, leave)

while True:
    session.wait_for_alert(1000)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.torrent_finished_alert):
            open(os.path.join(order["done"], alert.handle.status().name), "w").close()
        elif isinstance(alert, LOGGED):
            print(f"{time.time():.3f} {alert.message()}", file=sys.stderr, flush=True)
