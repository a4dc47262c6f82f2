"""Ten thousand connections that never become a request, in batches, against one server: clients.py [CONNECTIONS]
(10000). Its workers come back by their time-outs, the arbiter lives, deposits go on, and no memory is kept."""
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import subject  # noqa: E402
from subject import children, deposit, pss, read_reply, send_bytes  # noqa: E402

BATCH, WORKERS = 2000, 100
HOURS = 3600


class Clients(subject.Case):
    connections = 10000

    def runTest(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        batch = min(BATCH, hard - 100)
        server = self.serve(None, "--timeout", "1s", workers=WORKERS)
        account = server.new_account()
        sizes, done = [], 0
        while done < self.connections:
            n = min(batch, self.connections - done)
            subject.BadClients(server.port, n).until_all_are_through(HOURS)
            done += n
            reply = read_reply(send_bytes(server.port, deposit("atomic_no_delay", account)))
            self.assertEqual(reply.status, 200)
            self.workers_become(server, WORKERS)
            pids = [server.process.pid] + children(server.process.pid)
            sizes.append((pss(server.process.pid), sum(pss(pid) for pid in pids)))
            print("%d connections: %d kB of memory, %d of it the arbiter's" % (done, sizes[-1][1], sizes[-1][0]),
                  flush=True)
        # The first batch has touched what is touched at all; a tenth is what replaced processes may differ by.
        self.assertLessEqual(sizes[-1][0], sizes[0][0] + 512, sizes)
        self.assertLessEqual(sizes[-1][1], sizes[0][1] * 1.1, sizes)
        self.assertEqual(server.account("show", str(account))["transactions"], len(sizes))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Clients.connections = int(sys.argv[1])
    Clients().debug()
    print("clients: %d bad connections, workers back, memory flat" % Clients.connections)
