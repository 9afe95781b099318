#!/usr/bin/env python3
"""Stands between the host and a model's server.

    relay.py tls CERTIFICATE PORT    speaks TLS and passes everything on to PORT
    relay.py proxy PORT              an HTTP proxy: passes every request on to PORT, wherever it was to go; prints the first line of each

Prints the port it listens on first.
"""

import socket
import ssl
import sys
import threading


def pipe(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def head(connection):
    """The first line of a request, and everything read so far."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b"", b""
        data += more
    return data.split(b"\r\n", 1)[0], data


def serve(connection, mode, port, context):
    try:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        target = socket.create_connection(("127.0.0.1", port))
        if mode == "proxy":
            line, data = head(connection)
            print(line.decode("latin-1"), flush=True)
            method, url, version = line.split(b" ")
            path = b"/" + url.split(b"://", 1)[1].split(b"/", 1)[1]
            target.sendall(data.replace(line, b" ".join((method, path, version)), 1))
    except (OSError, ValueError, IndexError):
        return connection.close()
    threading.Thread(target=pipe, args=(connection, target), daemon=True).start()
    pipe(target, connection)


def main():
    mode, port = sys.argv[1], int(sys.argv[-1])
    context = None
    if mode == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, mode, port, context), daemon=True).start()


main()
