"""What the kernel does not do for an agent: mounts, devices, other machines' processes, the host's settings."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.host.isolation.den import FORBIDDEN, NEW_NAMESPACES, NOT_THERE, READ_ONLY, Den, ip


@pytest.mark.parametrize(
    "code",
    [
        "system('mount', 'none', '/mnt', 'tmpfs', 0, None)",
        "system('mount', 'none', '/mnt', 'proc', 0, None)",
        "system('mount', 'none', '/mnt', 'cgroup', 0, 'memory')",
        "system('mount', '/', '/mnt', None, 4096, None)",
        "system('mount', None, '/run/hive', None, 32 | 4096, None)",
        "system('mount', None, '/proc/sys', None, 32 | 4096, None)",
        "system('umount2', '/run/hive', 2)",
        "system('umount2', '/proc/sys', 2)",
        "system('umount2', '/state', 2)",
        "kernel(430, ctypes.c_char_p(b'ext4'), 0)",
        "kernel(428, -100, ctypes.c_char_p(b'/state'), 1)",
        "kernel(155, ctypes.c_char_p(b'/mnt'), ctypes.c_char_p(b'/mnt'))",
        "system('swapon', '/state/door', 0)",
    ],
)
def test_nothing_can_be_mounted_or_unmounted(den: Den, code: str) -> None:
    assert den.alice.fails(code) in FORBIDDEN


@pytest.mark.parametrize(
    "code",
    [
        "system('mount', None, '/run/hive', None, 32 | 4096, None)",
        "system('mount', None, '/proc/sys', None, 32 | 4096, None)",
        "system('umount2', '/run/hive', 2)",
        "system('umount2', '/proc/sys', 2)",
        "system('mount', '/dev/vda', '/mnt', 'ext4', 0, None)",
        "system('mount', 'none', '/mnt', 'cgroup', 0, 'memory')",
        "os.mknod('/tmp/disk', 0o060600, os.makedev(254, 0))",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "open('/proc/sys/kernel/core_pattern', 'w')",
    ],
)
def test_a_user_namespace_of_its_own_gives_it_no_more(den: Den, code: str) -> None:
    assert den.alice.do(f"{NEW_NAMESPACES}result = 'made'") == "made"
    assert den.alice.fails(f"{NEW_NAMESPACES}{code}") in READ_ONLY | {"EINVAL", "ENOENT", "ENODEV"}


def test_a_user_namespace_of_its_own_does_not_give_it_the_machines_network(den: Den) -> None:
    assert "Operation not permitted" in den.alice.do(NEW_NAMESPACES + ip("address add 10.215.9.9/16 dev host0"))


@pytest.mark.parametrize("kind", [stat.S_IFBLK, stat.S_IFCHR])
def test_no_device_can_be_made(den: Den, kind: int) -> None:
    disk = den.hive.state.stat().st_dev
    assert den.alice.fails(f"os.mknod('/tmp/device', {kind | 0o600}, {disk})") == "EPERM"


def test_there_are_only_harmless_devices(den: Den) -> None:
    code = """
import stat
result = []
for top, _, files in os.walk("/dev"):
    for name in files:
        path = os.path.join(top, name)
        mode = os.lstat(path).st_mode
        if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and not path.startswith("/dev/pts/"):
            try:
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
                result.append(path)
            except OSError:
                pass
"""
    harmless = ("null", "zero", "full", "random", "urandom", "tty", "net/tun", "fuse")
    assert set(den.alice.do(code)) <= {f"/dev/{name}" for name in harmless}


def test_no_network_device_can_be_made(den: Den) -> None:
    request = "fcntl.ioctl(os.open('/dev/net/tun', os.O_RDWR), 0x400454CA, struct.pack('16sH22x', b'own', 1))"
    assert den.alice.fails(f"import fcntl; {request}") in FORBIDDEN | NOT_THERE


def test_it_sees_no_process_but_its_own(den: Den) -> None:
    seen = den.alice.do("result = [int(n) for n in os.listdir('/proc') if n.isdigit()]")
    programs = den.alice.do(
        "result = [open(f'/proc/{n}/comm').read().strip() for n in os.listdir('/proc') if n.isdigit()]"
    )
    assert len(seen) <= 4
    assert set(programs) <= {"python3", "systemd-nspawn", "(sd-stubinit)"}


def test_it_can_neither_kill_nor_open_a_process_of_the_hosts_or_of_another_machine(den: Den) -> None:
    code = f"""
result = set()
for pid in {_others(den)}:
    if os.path.exists(f"/proc/{{pid}}"):
        continue  # one of its own has that number in its machine
    for what in (lambda: os.kill(pid, 0), lambda: kernel(434, pid, 0), lambda: kernel(101, 16, pid, 0, 0)):
        try:
            result.add(str(what()))
        except OSError as error:
            result.add(errno.errorcode[error.errno])
result = sorted(result)
"""
    assert set(den.alice.do(code)) <= FORBIDDEN | {"ESRCH", "EINVAL"}


def test_its_first_process_has_no_more_rights_than_its_programs(den: Den) -> None:
    of_first, own = den.alice.do(
        "result = [[l.split()[1] for l in open(f'/proc/{p}/status') if l.startswith('CapBnd')] for p in (1, 'self')]"
    )
    assert of_first == own


@pytest.mark.parametrize("kind", ["mnt", "net", "pid", "user", "cgroup"])
def test_the_namespaces_that_it_finds_are_its_own_and_cant_be_entered_anew(den: Den, kind: str) -> None:
    assert den.alice.fails(f"system('setns', os.open('/proc/1/ns/{kind}', os.O_RDONLY), 0)") in FORBIDDEN | {"EINVAL"}


@pytest.mark.parametrize(
    "code",
    [
        "kernel(175, ctypes.create_string_buffer(8), 8, ctypes.c_char_p(b''))",
        "kernel(313, os.open('/bin/true', os.O_RDONLY), ctypes.c_char_p(b''), 0)",
        "kernel(176, ctypes.c_char_p(b'nf_tables'), 0)",
        "kernel(169, 0xfee1dead, 672274793, 0x1234567, None)",
        "kernel(246, 0, 0, None, 0)",
        "import time; time.clock_settime(time.CLOCK_REALTIME, 0)",
        "kernel(103, 3, ctypes.create_string_buffer(99), 99)",
        "kernel(321, 0, ctypes.create_string_buffer(128), 128)",
        "kernel(172, 3)",
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))",
    ],
    ids=["insmod", "finit", "rmmod", "reboot", "kexec", "clock", "syslog", "bpf", "iopl", "realtime"],
)
def test_the_kernel_does_nothing_for_it_that_is_for_the_host(den: Den, code: str) -> None:
    assert den.alice.fails(code) in FORBIDDEN | {"ENOSYS"}


@pytest.mark.parametrize(
    "path",
    [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/fs/file-max",
        "/proc/sysrq-trigger",
        "/proc/kcore",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/module/printk/parameters/time",
        "/sys/mine",
    ],
)
def test_the_kernels_settings_cant_be_written(den: Den, path: str) -> None:
    assert den.alice.fails(f"open({path!r}, 'r+').write('1')") in READ_ONLY | NOT_THERE | {"EISDIR", "EIO"}


def test_its_control_groups_are_those_of_its_machine(den: Den) -> None:
    assert den.alice.do("result = open('/proc/self/cgroup').read().splitlines()[-1]") == "0::/"
    pids = den.alice.do("result = open('/sys/fs/cgroup/cgroup.procs').read().split()")
    assert "0" not in pids
    assert not Path("/sys/fs/cgroup/release_agent").exists()
    assert den.alice.fails("os.stat('/sys/fs/cgroup/release_agent')") == "ENOENT"


def test_no_process_of_another_machine_can_be_moved_into_its_group(den: Den) -> None:
    others = _others(den)
    code = f"""
for pid in {others}:
    try:
        open("/sys/fs/cgroup/cgroup.procs", "w").write(str(pid))
    except OSError:
        pass
"""
    den.alice.do(code)
    group = Path("/sys/fs/cgroup/machine.slice/hyperhive-alice.service/payload/cgroup.procs")
    assert not {int(pid) for pid in group.read_text().split()} & set(others)


def test_the_limits_of_its_unit_are_not_in_its_groups(den: Den) -> None:
    unit = Path("/sys/fs/cgroup/machine.slice/hyperhive-alice.service")
    assert {path.stat().st_uid for path in unit.iterdir() if path.is_file()} == {0}
    assert (unit / "payload").stat().st_uid == den.alice.first_uid
    assert den.alice.fails("open('/sys/fs/cgroup/../cgroup.kill', 'w')") in READ_ONLY | NOT_THERE


def _others(den: Den) -> list[int]:
    """The processes of the host and of the other machines."""
    pids = {int(path.name) for path in Path("/proc").glob("[0-9]*")}
    own = Path("/sys/fs/cgroup/machine.slice/hyperhive-alice.service/payload/cgroup.procs").read_text().split()
    assert den.bob.leader in pids
    return sorted(pids - {int(pid) for pid in own})
