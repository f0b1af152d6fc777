"""The client of compile servers, against one that the test runs; and databases of types."""

import base64
import json
import os
import sqlite3
import subprocess
import sys
import threading

import pytest

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import TCPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import TCPServer

from pylcc import errors
from surftrace import ClbcClient, setupParser
from surftrace.baseDbParser import CbaseDbParser
from surftrace.kobuild import CkoBuilder, MAX_FILES
from surftrace.lbcClient import LBC_COMPILE_PORT, SEG_UNIT, segDecode, segEncode
from surftrace.prevPareser import CprevPareser


class Server(HTTPServer):
    """Answers what .answer says: a text as it is, or the content of a good answer."""

    def __init__(self):
        HTTPServer.__init__(self, ("127.0.0.1", 0), Handler)
        self.asked, self.answer = [], {}

    def server_bind(self):
        TCPServer.server_bind(self)  # without asking for the name of 127.0.0.1
        self.server_name, self.server_port = self.server_address


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Connection"], json.loads(body.decode())))
        answer = self.server.answer
        if not isinstance(answer, str):
            answer = json.dumps({"result": "ok", "status": True, "code": 200, "res": [dict({"log": "ok."}, **answer)]})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        """The test's output is its own."""


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def client(server):
    return ClbcClient("127.0.0.1", ver="5.10.0", arch="x86_64", port=server.server_port)


@pytest.mark.parametrize("call, asked", [
    (lambda c: c.getFunc("f"), {"cmd": "func", "func": "f"}),
    (lambda c: c.getFunc("f%", ret="int", arg="u8"), {"cmd": "func", "func": "f%", "ret": "int", "arg": "u8"}),
    (lambda c: c.getStruct("struct file"), {"cmd": "struct", "struct": "struct file"}),
    (lambda c: c.getType("u8"), {"cmd": "type", "type": "u8"}),
    (lambda c: c.getType("struct file *"), {"cmd": "type", "type": "_"}),
    (lambda c: c.getBtf(), {"cmd": "btf"}),
    (lambda c: c.getElfSo(), {"cmd": "elf_so"}),
    (lambda c: c.getC("int x;", "-DX"), {"cmd": "c", "code": "int x;", "env": "-DX"}),
    (lambda c: c.getObj("int x;", ""), {"cmd": "obj", "code": "int x;", "env": ""}),
    (lambda c: c.koBuild({"a.ko": "eA=="}), {"cmd": "ko", "kos": {"a.ko": "eA=="}}),
])
def test_requests(server, call, asked):
    server.answer = {"res": {"name": "answer"}}
    assert call(client(server)) == {"log": "ok.", "res": {"name": "answer"}}
    assert server.asked == [("/lbc", "close", [dict(asked, ver="5.10.0", arch="x86_64")])]


def test_refusals(server, capsys):
    c = client(server)
    server.answer = {"log": "setup so report: bad.", "clog": "t.bpf.c:1: error"}
    with pytest.raises(errors.CompileException) as e:
        c.getC("int", "")
    assert e.value.log == "t.bpf.c:1: error" and "setup so report: bad." in str(e.value)
    assert capsys.readouterr()[0] == "compile failed.\nt.bpf.c:1: error\n\n"
    for answer in ({"log": "bad func key."}, "no JSON", "[]", '{"code": 200, "res": []}',
                   '{"result": "failed", "status": false, "code": 500, "res": [{"log": "ok."}]}'):
        server.answer = answer
        with pytest.raises(errors.DbException) as e:
            c.getFunc("f")
        assert not isinstance(e.value, errors.CompileException) and "127.0.0.1" in str(e.value)
    with pytest.raises(ValueError):
        c.koBuild({})


def test_who_is_asked(server, monkeypatch):
    monkeypatch.delenv("LBC_SERVER", raising=False)
    for nobody in (ClbcClient, CkoBuilder, lambda: ClbcClient(server="")):
        with pytest.raises(errors.InvalidArgsException) as e:
            nobody()
        assert "none is named" in str(e.value)
    monkeypatch.setenv("LBC_SERVER", "127.0.0.1")
    server.answer = {"res": None}
    assert ClbcClient("server.invalid", port=server.server_port).getType("none")["res"] is None
    server.shutdown()
    server.server_close()
    with pytest.raises(errors.DbException) as e:
        ClbcClient(port=server.server_port).getBtf()
    assert str(e.value).startswith("bad lbc server 127.0.0.1") and LBC_COMPILE_PORT == 7655


def test_segments():
    for size in (0, 1, 3 * SEG_UNIT - 1, 3 * SEG_UNIT, 3 * SEG_UNIT + 1, 7 * SEG_UNIT):
        data = bytes(bytearray(i % 251 for i in range(size)))
        assert segDecode(segEncode(data)) == data and base64.b64decode(segEncode(data)) == data


def test_modules(server, tmpdir, monkeypatch):
    monkeypatch.setenv("LBC_SERVER", "127.0.0.1")
    builder = CkoBuilder()
    builder._client._port = server.server_port
    tmpdir.mkdir("a").join("x.ko").write("x")
    tmpdir.join("a", "y.ko.debug").write("y")
    tmpdir.join("a", "z.txt").write("z")
    server.answer = {"db": segEncode(b"the database").decode()}
    builder.build(str(tmpdir), str(tmpdir.join("out.db")))
    assert tmpdir.join("out.db").read() == "the database"
    assert server.asked[0][2][0]["kos"] == {"x.ko": "eA==", "y.ko.debug": "eQ=="}
    tmpdir.mkdir("b").join("x.ko").write("again")
    with pytest.raises(ValueError):
        builder.build(str(tmpdir))
    for i in range(MAX_FILES):
        tmpdir.join("a", "%d.ko" % i).write("")
    with pytest.raises(ValueError):
        builder.build(str(tmpdir.join("a")))
    with pytest.raises(ValueError):
        builder.build(str(tmpdir.join("absent")))


@pytest.fixture
def database(tmpdir):
    path = str(tmpdir.join("types.db"))
    db = sqlite3.connect(path)
    db.executescript("""
        CREATE TABLE files (id INTEGER, file TEXT); INSERT INTO files VALUES (7, 'net/x.c');
        CREATE TABLE funs (func TEXT, args TEXT, ret TEXT, line INTEGER, fid INTEGER);
        INSERT INTO funs VALUES ('tcp_x', '["struct sock *", "int"]', 'static int', 12, 7), ('tcp_y', '[]', 'void', 13, 7);
        CREATE TABLE structs (id INTEGER, name TEXT, members INTEGER, bytes INTEGER); INSERT INTO structs VALUES (3, 'struct s', 1, 8);
        CREATE TABLE members (fid INTEGER, types TEXT, offset INTEGER, bytes INTEGER, bits TEXT, name TEXT);
        INSERT INTO members VALUES (3, 'u64', 0, 8, '', 'm');
        CREATE TABLE types (id INTEGER, name TEXT, alias TEXT, bytes INTEGER); INSERT INTO types VALUES (1, '_', 'void *', 8), (2, 'u8', 'unsigned char', 1);
    """)
    db.close()
    return path


def test_database(database, tmpdir):
    db = CbaseDbParser(database)
    x = {"func": "tcp_x", "args": ["struct sock *", "int"], "ret": "static int", "line": 12, "file": "net/x.c"}
    assert db.getFunc("tcp_x") == {"log": "ok.", "res": [x]}
    assert [f["func"] for f in db.getFunc("tcp_%")["res"]] == ["tcp_x", "tcp_y"]
    assert db.getFunc("", ret="int")["res"] == [x] == db.getFunc("tcp%", arg="int")["res"]
    assert db.getFunc("x' OR '1'='1") == {"log": "ok.", "res": []}
    assert db.getStruct("struct s")["res"] == {"name": "struct s", "members": 1, "size": 8,
                                               "cell": [{"type": "u64", "offset": 0, "size": 8, "bits": "", "name": "m"}]}
    assert db.getStruct("struct %")["res"] == [{"name": "struct s", "members": 1, "size": 8}] and db.getStruct("none")["res"] is None
    assert db.getType("u8")["res"] == {"name": "u8", "type": "unsigned char", "size": 1} and db.getType("no")["res"] is None
    assert db.getType("struct s *")["res"]["size"] == 8
    tmpdir.join("garbage.db").write("x" * 5000)
    with pytest.raises(errors.DbException):
        CbaseDbParser(str(tmpdir.join("garbage.db"))).getType("u8")
    with pytest.raises(errors.DbException):
        CbaseDbParser(str(tmpdir.join("absent.db")))


def test_the_database_that_is_asked_first(database, server, monkeypatch):
    missing = CprevPareser("/nonexistent/prev.db")
    assert not missing.exist
    for call in (missing.getFunc, missing.getStruct, missing.getType):
        with pytest.raises(errors.DbException) as e:
            call("x")
        assert str(e.value) == "db /nonexistent/prev.db is not exist."
    monkeypatch.setenv("LBC_PREVDB", database)
    assert CprevPareser().exist
    c = client(server)
    server.answer = {"res": {"name": "of the server"}}
    assert c.getType("u8")["res"]["type"] == "unsigned char" and c.getStruct("struct s")["res"]["size"] == 8 and server.asked == []
    assert c.getFunc("tcp_x")["res"][0]["line"] == 12 and c.getType("u16")["res"]["name"] == "of the server"


def test_a_database_in_another_thread(database, monkeypatch):
    """As CsurfThread does: the parser is made by one thread and asked by another."""
    monkeypatch.setenv("LBC_PREVDB", database)
    parser, found = setupParser("local"), []
    thread = threading.Thread(target=lambda: found.append(parser.getType("u8")["res"]))
    thread.start()
    thread.join()
    assert found == [{"name": "u8", "type": "unsigned char", "size": 1}] == [parser.getType("u8")["res"]]


WITHOUT = """
import sys
sys.modules["sqlite3"] = None
from surftrace import DbException, setupParser
assert setupParser().getType("int")["res"]["size"] == 4
try:
    setupParser("local", db="DATABASE").getType("u8")
except DbException as e:
    print(e)
"""


def test_a_python_without_sqlite(database, tmpdir):
    """A database is refused; the rest works."""
    said = subprocess.check_output([sys.executable, "-B", "-c", WITHOUT.replace("DATABASE", database)], universal_newlines=True,
                                   env=dict(os.environ, LBC_PREVDB=""), cwd=str(tmpdir))
    assert said.startswith("read db %s: " % database) and said.endswith("(this Python was built without SQLite)\n")
