"""One libtorrent host of the laboratory.

Reads JSON instructions from its argument, listens, prints "ready", and adds its torrents when a line arrives on standard
input. Settings that the instructions do not contain keep libtorrent's defaults, except DHT, local discovery and port
mapping, which need an internet and are off. An empty file in the `done` directory marks a complete torrent. SIGTERM stops
the torrents, with a `stopped` announce to their trackers.
"""

import json
import os
import signal
import sys
import time

import libtorrent as lt

# Written to the host's log, for the analysis of a host that did not finish.
LOGGED = (
    lt.state_changed_alert,
    lt.tracker_announce_alert,
    lt.tracker_reply_alert,
    lt.tracker_error_alert,
    lt.torrent_error_alert,
    lt.file_error_alert,
)

instructions = json.loads(sys.argv[1])

session = lt.session(
    {
        "listen_interfaces": instructions["address"] + ":6881",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "alert_mask": lt.alert.category_t.status_notification
        | lt.alert.category_t.error_notification
        | lt.alert.category_t.tracker_notification,
        **instructions["settings"],
    }
)


def stop(_signal, _frame):
    """Announces `stopped`: an aborted session waits for its trackers up to its stop timeout of five seconds."""
    proxy = session.abort()
    del proxy
    os._exit(0)


print("ready", flush=True)
sys.stdin.readline()

for path in instructions["torrents"]:
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(path)
    parameters.save_path = instructions["data"]
    if instructions["isSource"]:
        parameters.flags |= lt.torrent_flags.seed_mode
    session.add_torrent(parameters)

signal.signal(signal.SIGTERM, stop)

def write_progress():
    """Complete pieces, for a reader that never sees half of the file."""
    statuses = [handle.status() for handle in session.get_torrents()]
    progress = {
        "have": sum(status.num_pieces for status in statuses),
        "of": sum(handle.torrent_file().num_pieces() for handle in session.get_torrents()),
    }
    with open(instructions["progress"] + ".new", "w") as file:
        json.dump(progress, file)
    os.rename(instructions["progress"] + ".new", instructions["progress"])


while True:
    if "progress" in instructions:
        session.wait_for_alert(500)
        write_progress()
    else:
        session.wait_for_alert(1000)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.torrent_finished_alert):
            open(os.path.join(instructions["done"], alert.handle.status().name), "w").close()
        elif isinstance(alert, LOGGED):
            print(f"{time.time():.3f} {alert.message()}", file=sys.stderr, flush=True)
