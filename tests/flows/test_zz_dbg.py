from flows.system import *
from feed.server import *
from datetime import *
import pytest, subprocess, sqlite3
@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"; folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
def test_dbg(system, small_disk):
    device_in(system.database, "lab", "counter")
    agent = system.agent("counter", {"sensor": [{"driver": "steady", "count": 3000, "rate": 0}], "batch": {"readings": 1, "seconds": .05}, "outbox": {"dir": str(small_disk / "box"), "cap_bytes": 800_000}})
    agent.begin("cannot be written")
    system.ingest()
    try:
        print("END", agent.wait(15))
    except AssertionError:
        print("ROWS", rows(system.database, "select count(*), max(seq), sum(copies-1) from message"), rows(system.database,"select received,last_seq from stream"), rows(system.database,"select code,reason,topic from rejected"))
        subprocess.run(["ls","-la",str(small_disk/"box")]); subprocess.run(["df",str(small_disk)])
        db = sqlite3.connect(f"file:{small_disk/'box'/'outbox.db'}?mode=ro", uri=True)
        try: print(db.execute("select count(*), min(key & 1099511627775), max(key & 1099511627775) from message").fetchall(), db.execute("select * from boot").fetchall(), db.execute("select * from cursor").fetchall())
        except Exception as e: print(e)
        subprocess.run(["/work/main/.venv/bin/python","-m","pip","--version"])
        print(subprocess.run(f"cat /proc/{agent.pid}/wchan; ls /proc/{agent.pid}/task; top -b -n1 -p {agent.pid} | tail -1", shell=True, capture_output=True, text=True).stdout)
        print(agent.said()[:700]); print(agent.said().count("cannot be written"))
        raise
