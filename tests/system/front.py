"""nginx as the tests put it in front of racy: deploy/nginx.conf itself with other addresses, in a process
without privileges that has a folder of its own and a port that nobody else can take."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from subject import HUNG, until

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy")
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

WRAPPER = """daemon off;
worker_processes 1;
pid %(folder)s/pid;
error_log %(folder)s/error.log info;
events { worker_connections 512; }
http {
	log_format told '$status [$upstream_addr] $request';
	access_log %(folder)s/access.log told;
	keepalive_timeout 0; # a reply ends with its connection
	client_body_temp_path %(folder)s/body;
	proxy_temp_path %(folder)s/proxy;
	fastcgi_temp_path %(folder)s/fastcgi;
	uwsgi_temp_path %(folder)s/uwsgi;
	scgi_temp_path %(folder)s/scgi;
	upstream these { %(servers)s }
	include %(folder)s/site.conf;
}
"""


def site(changes):
    """deploy/nginx.conf with changes: pairs of what stands there exactly once and what stands there instead."""
    with open(os.path.join(DEPLOY, "nginx.conf"), encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        if text.count(old) != 1:
            raise AssertionError("deploy/nginx.conf has %d times: %s" % (text.count(old), old))
        text = text.replace(old, new)
    return text


class Front:
    """In front of the workers on `upstreams`, in turn (ports of this host, or HOST:PORT), and of an instrument on the
    port of that name."""

    def __init__(self, *upstreams, changes=(), instrument=1, wrapper=WRAPPER):
        nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        self.folder = tempfile.mkdtemp(prefix="racy-nginx-")
        shutil.copytree(os.path.join(DEPLOY, "static"), self.folder + "/static")
        # nginx takes a socket that listens already from its environment, as it does when it replaces itself:
        # so no port is chosen that another test could have by then, and nobody is refused while it starts.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            changes = (("listen 80;", "listen 127.0.0.1:%d;" % self.port), ("app:8000;", "these;"),
                       ("app:8080;", "127.0.0.1:%d;" % instrument),
                       ("/usr/share/nginx/html;", self.folder + "/static;"), *changes)
            servers = " ".join("server %s;" % (u if isinstance(u, str) else "127.0.0.1:%d" % u) for u in upstreams)
            self._write("site.conf", site(changes))
            self._write("nginx.conf", wrapper % {"folder": self.folder, "servers": servers})
            if nobody:
                for folder, _, names in os.walk(self.folder):
                    for path in [folder, *(os.path.join(folder, name) for name in names)]:
                        shutil.chown(path, "nobody", "nogroup")
            self.process = subprocess.Popen(
                [NGINX, "-p", self.folder, "-c", self.folder + "/nginx.conf", "-e", self.folder + "/error.log"],
                env={"NGINX": "%d;" % listener.fileno()}, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL,
                **nobody)
        try:
            until(lambda: self.process.poll() is not None or "start worker process " in self.read("error.log"),
                  "nginx at work")
            if self.process.poll() is not None:
                raise AssertionError("nginx did not start:\n" + self.read("error.log"))
        except AssertionError:
            self.end()
            raise

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def told(self, n):
        """What the log tells of the first n requests: status, the upstreams that were asked, request."""
        return until(lambda: self.read("access.log").count("\n") >= n and self.read("access.log").splitlines(),
                     "%d requests in nginx's log" % n)

    def end(self):
        """Its exit code, and what it said of being in trouble."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(HUNG)
            return code, [line for line in self.read("error.log").splitlines()
                          if any(word in line for word in ("[emerg]", "[alert]", "[crit]"))]
        finally:
            shutil.rmtree(self.folder)


def main():
    """For a test that is no Python: front.py WORKERS INSTRUMENT (ports) says its own, and ends with its input."""
    front = Front(int(sys.argv[1]), instrument=int(sys.argv[2]))
    print(front.port, flush=True)
    sys.stdin.read()
    sys.exit(front.end()[0])


if __name__ == "__main__":
    main()
