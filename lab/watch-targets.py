"""Reads the interfaces of clients and nodes once a second, each from inside its network namespace.

The argument is JSON: `targets`, each with a `name`, a `namespace` and a `kind`, and further fields by kind. Each reading is
one line of JSON on standard output: `at` (seconds since 1970), `name`, `kind` and `value`. A target that does not answer
has no reading. Pieces of clients are complete and verified ones: `have` and `of`.
"""

import base64
import ctypes
import hashlib
import hmac
import http.client
import http.server
import json
import os
import socket
import sys
import threading
import time
import xmlrpc.client

CLONE_NEWNET = 0x40000000
INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 3.0

libc = ctypes.CDLL(None, use_errno=True)
output = threading.Lock()


def enter(namespace):
    """Moves this thread; the sockets that it opens belong to the namespace."""
    descriptor = os.open("/run/netns/" + namespace, os.O_RDONLY)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns " + namespace)
    os.close(descriptor)


def emit(target, value, at=None):
    line = {"at": at or time.time(), "name": target["name"], "kind": target["kind"], "value": value}
    with output:
        print(json.dumps(line), flush=True)


def request(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def count_bits(data):
    return sum(byte.bit_count() for byte in data)


def read_node(target):
    status, body, _ = request(6970, "GET", target["path"], None, {"Authorization": "Bearer " + target["token"]})
    return {"status": status, "text": body.decode()}


def read_libtorrent(target):
    """The client writes its pieces into a file."""
    with open(target["path"]) as file:
        return json.load(file)


def read_transmission(target):
    body = json.dumps({"method": "torrent-get", "arguments": {"fields": ["pieces", "pieceCount"]}})
    headers = {"X-Transmission-Session-Id": target.get("session", "")}
    status, answer, received = request(9091, "POST", "/transmission/rpc", body, headers)
    if status == 409:
        target["session"] = received["X-Transmission-Session-Id"]
        return read_transmission(target)
    torrent = json.loads(answer)["arguments"]["torrents"][0]
    return {"have": count_bits(base64.b64decode(torrent["pieces"])), "of": torrent["pieceCount"]}


def read_aria2(target):
    call = {"jsonrpc": "2.0", "id": "1", "method": "aria2.tellActive", "params": [["bitfield", "numPieces"]]}
    _, answer, _ = request(6800, "POST", "/jsonrpc", json.dumps(call))
    download = json.loads(answer)["result"][0]
    have = count_bits(bytes.fromhex(download.get("bitfield", "")))
    return {"have": have, "of": int(download["numPieces"])}


def read_rtorrent(target):
    """XML-RPC over SCGI on a Unix socket."""
    fields = ("", "main", "d.completed_chunks=", "d.size_chunks=")
    body = xmlrpc.client.dumps(fields, "d.multicall2").encode()
    head = b"CONTENT_LENGTH\0%d\0SCGI\0001\0" % len(body)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(target["path"])
        connection.sendall(b"%d:%s,%s" % (len(head), head, body))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    rows, _ = xmlrpc.client.loads(answer.split(b"\r\n\r\n", 1)[1])
    return {"have": rows[0][0][0], "of": rows[0][0][1]}


def read_qbittorrent(target):
    if "hash" not in target:
        target["hash"] = json.loads(request(8080, "GET", "/api/v2/torrents/info")[1])[0]["hash"]
    _, answer, _ = request(8080, "GET", "/api/v2/torrents/properties?hash=" + target["hash"])
    properties = json.loads(answer)
    return {"have": properties["pieces_have"], "of": properties["pieces_num"]}


readers = {
    "node": read_node,
    "libtorrent": read_libtorrent,
    "transmission": read_transmission,
    "aria2": read_aria2,
    "rtorrent": read_rtorrent,
    "qbittorrent": read_qbittorrent,
}


def receive_webhooks(target):
    """Standard Webhooks: the signature is that of `id.timestamp.body`."""

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            event = self.headers["webhook-id"]
            signed = f"{event}.{self.headers['webhook-timestamp']}.".encode() + body
            digest = hmac.new(target["secret"].encode(), signed, hashlib.sha256).digest()
            is_signed = self.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
            content = json.loads(body)
            fields = {"id": event, "type": content["type"], "site": content.get("site")}
            emit(target, {**fields, "isSigned": is_signed})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    http.server.HTTPServer(("127.0.0.1", target["port"]), Receiver).serve_forever()


def watch(target):
    enter(target["namespace"])
    if target["kind"] == "webhooks":
        receive_webhooks(target)
    read = readers[target["kind"]]
    due = time.time()
    while True:
        started = time.time()
        try:
            value = read(target)
            # A reading is of the moment in the middle of the request.
            emit(target, value, (started + time.time()) / 2)
        except (OSError, http.client.HTTPException, ValueError, LookupError):
            pass
        due = max(due + INTERVAL_SECONDS, time.time())
        time.sleep(due - time.time() if due > time.time() else 0)


for each in json.loads(sys.argv[1])["targets"]:
    threading.Thread(target=watch, args=(each,), daemon=True).start()
sys.stdin.read()
