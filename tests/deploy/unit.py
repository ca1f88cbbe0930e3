#!/usr/bin/env python3
"""Runs the installed unit's command line as systemd would: its user, its socket, its limits.

There is no systemd as process 1 in a test, so what matters of the unit is done by hand, as root:
user and group, no capabilities, no new privileges, the list of system calls and of address families
(as seccomp filters, from systemd's own groups of calls), no memory both writable and executable,
resource limits, a read-only file system, the socket, the notify socket and the watchdog. Then the
exporter has to probe, to be scraped, to reload, and to end.
"""

import ctypes
import os
import pwd
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

UNIT = "/lib/systemd/system/smtp_exporter.service"
PATIENCE = 30


def settings(path):
    found = {}
    for line in open(path):
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def calls(group):
    """The system calls of a group, those of the groups in it too."""
    listing = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], check=True, capture_output=True, text=True
    ).stdout
    found = set()
    for line in listing.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


class Filter:
    """The unit's SystemCallFilter and RestrictAddressFamilies."""

    class Compare(ctypes.Structure):
        _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

    ALLOW, EPERM, EQUAL = 0x7FFF0000, 0x00050001, 4
    FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}

    def __init__(self, unit):
        self.lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.lib.seccomp_init.restype = ctypes.c_void_p
        allowed = set()
        for words in unit["SystemCallFilter"]:
            groups = set().union(*(calls(word) for word in words.lstrip("~").split()))
            allowed = allowed - groups if words.startswith("~") else allowed | groups
        assert "ptrace" not in allowed and "setuid" not in allowed and "read" in allowed, allowed
        self.context = ctypes.c_void_p(self.lib.seccomp_init(self.EPERM))
        for name in allowed - {"socket"}:
            # Calls of other architectures have no number here.
            number = self.lib.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                assert self.lib.seccomp_rule_add_array(self.context, self.ALLOW, number, 0, None) == 0, name
        number = self.lib.seccomp_syscall_resolve_name(b"socket")
        for family in unit["RestrictAddressFamilies"][0].split():
            compare = (self.Compare * 1)(self.Compare(0, self.EQUAL, self.FAMILIES[family], 0))
            assert self.lib.seccomp_rule_add_array(self.context, self.ALLOW, number, 1, compare) == 0, family

    def load(self):
        failed = self.lib.seccomp_load(self.context)
        assert failed == 0, failed


def server(port, greeting):
    """A mail server of a few words."""
    listener = socket.create_server(("127.0.0.1", port))

    def talk():
        while True:
            stream, _ = listener.accept()
            with stream, stream.makefile("rwb") as lines:
                lines.write(greeting + b"\r\n")
                lines.flush()
                for line in lines if greeting.startswith(b"2") else ():
                    lines.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 mail.bed.test\r\n")
                    lines.flush()
                    if line.startswith(b"QUIT"):
                        break

    threading.Thread(target=talk, daemon=True).start()


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:10057{path}", timeout=PATIENCE) as answer:
        return answer.read().decode()


def until(what, ask):
    end = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.1)
    return answer


def main():
    unit = settings(UNIT)
    listen = settings(UNIT.replace(".service", ".socket"))["ListenStream"][-1]
    user = pwd.getpwnam(unit["User"][0])
    state = "/var/lib/" + unit["StateDirectory"][0]
    os.makedirs(state, mode=int(unit["StateDirectoryMode"][0], 8))
    os.chown(state, user.pw_uid, user.pw_gid)
    credentials = "/run/credentials/smtp_exporter.service"
    os.makedirs(credentials)
    with open(f"{credentials}/secret_mail", "w") as secret:
        secret.write("hunter2\n")
        os.chmod(secret.fileno(), 0o400)
        os.chown(secret.fileno(), user.pw_uid, user.pw_gid)
    with open("/etc/smtp_exporter/smtp_exporter.yml", "w") as file:
        file.write(
            "dns: {servers: ['127.0.0.1:1']}\n"
            "modules:\n"
            "  quick: {interval: 1s, tls: none}\n"
            f"  login: {{auth: {{username: u, password_file: {credentials}/secret_mail}}, tls: required}}\n"
            "targets:\n"
            "  - {name: well, host: '127.0.0.1:2525', module: quick}\n"
            "  - {name: full, host: '127.0.0.2:2526', module: quick}\n"
        )
    server(2525, b"220 mail.bed.test ESMTP")
    full = socket.create_server(("127.0.0.2", 2526))

    def refuse():
        while True:
            stream, _ = full.accept()
            with stream:
                stream.sendall(b"421 4.7.0 too many connections from you\r\n")

    threading.Thread(target=refuse, daemon=True).start()
    # ProtectSystem=strict: everything is read-only but the state.
    for command in (f"mount --bind {state} {state}", "mount --bind / /mnt", "mount -o remount,ro,bind /mnt"):
        subprocess.run(shlex.split(command), check=True)
    subprocess.run(["mount", "--rbind", "/proc", "/mnt/proc"], check=True)
    for path in (state, "/run", "/dev", "/tmp"):
        subprocess.run(["mount", "--rbind", path, "/mnt" + path], check=True)

    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind("/run/notify")
    os.chmod("/run/notify", 0o777)
    notify.settimeout(PATIENCE)
    host, port = listen.rsplit(":", 1)
    listener = socket.create_server((host, int(port)))
    libc = ctypes.CDLL(None, use_errno=True)
    seccomp = Filter(unit)

    def confine():
        try:
            confined()
        except BaseException as error:
            # Python says of this function only that it failed.
            os.write(2, f"{error!r}\n".encode())
            raise

    def confined():
        os.chroot("/mnt")
        os.chdir("/")
        os.umask(int(unit["UMask"][0], 8))
        # A container may not raise its own bound.
        most = min(int(unit["LimitNOFILE"][0]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for capability in range(64):
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        libc.prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE, from Linux 6.3 on
        seccomp.load()

    line = unit["ExecStart"][0].replace("$OPTIONS", "--log.format=logfmt")
    log = open("/tmp/log", "w+")
    # The shell gives the socket the number that systemd gives it, and becomes the exporter.
    service = None
    try:
        service = subprocess.Popen(
            ["/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@" 3<&0 </dev/null', "sh", *shlex.split(line)],
            stdin=listener,
            stderr=log,
            preexec_fn=confine,
            env={"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000", "STATE_DIRECTORY": state, "LISTEN_FDS": "1"},
        )
        told = []
        while not {"READY=1", "WATCHDOG=1"} <= set(told):
            told += notify.recv(4096).decode().splitlines()
        status = open(f"/proc/{service.pid}/status").read()
        for wanted in (f"Uid:\t{user.pw_uid}\t", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            assert wanted in status, f"{wanted}:\n{status}"
        assert "is ready" in get("/-/ready")
        up = re.compile(r'^smtp_target_up\{target="well".*\} 1$', re.M)
        metrics = until("a probe", lambda: (text := get("/metrics")) and up.search(text) and text)
        for name in ("process_start_time_seconds", "process_resident_memory_bytes", "process_open_fds"):
            assert re.search(f"^{name} [1-9]", metrics, re.M), name
        assert 'cause="too_many_connections"' in metrics, metrics
        until("pauses are kept", lambda: os.path.exists(f"{state}/pauses.json"))
        assert "hunter2" not in get("/config")
        healthy = subprocess.run(["smtp_exporter", "healthcheck"], capture_output=True, text=True)
        assert healthy.returncode == 0, healthy
        # ExecReload.
        os.kill(service.pid, signal.SIGHUP)
        until("a reload", lambda: "configuration reloaded" in open("/tmp/log").read())
        os.kill(service.pid, signal.SIGTERM)
        assert service.wait(PATIENCE) == 0
        while "STOPPING=1" not in told:
            told += notify.recv(4096).decode().splitlines()
    except BaseException:
        sys.stderr.write(open("/tmp/log").read())
        raise
    finally:
        if service:
            service.kill()
        subprocess.run(["umount", "--recursive", "/mnt"], check=False)
        subprocess.run(["umount", state], check=False)
    denied = [line for line in open("/tmp/log") if "level=error" in line or "not permitted" in line]
    assert not denied, denied
    print("the unit's command line probes, is scraped, reloads and ends under its limits")


main()
