"""The `pixelpop` command: what it prints and the exit statuses that scripts may trust."""

from __future__ import annotations

import os
from urllib.parse import parse_qs

import msgspec
import pytest

import pixelpop
from runtime.settings import variables

COMMANDS = [
    [],
    ["up"],
    ["gateway"],
    ["decider"],
    ["worker"],
    ["projector"],
    ["eraser"],
    ["webhooks"],
    ["messages"],
    ["auditor"],
    ["migrate"],
    ["ps"],
    ["doctor"],
    ["init-data"],
    ["projections"],
    ["projections", "status"],
    ["projections", "rebuild"],
    ["telegram"],
    ["telegram", "setup"],
    ["telegram", "poll"],
    ["dlq"],
    ["dlq", "list"],
    ["dlq", "show"],
    ["dlq", "retry"],
    ["audit"],
    ["audit", "reconcile"],
    ["schemas"],
    ["schemas", "generate"],
    ["schemas", "check"],
]


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch):
    """A new data directory, no other setting, and no `.env` file."""
    for variable, _, _ in variables():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIXELPOP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command, capsys):
    """`--help` prints a usage line and a description, and ends with 0."""
    assert pixelpop.execute([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert " ".join(["Usage: pixelpop", *command]) in shown
    assert len(shown.splitlines()) > 2


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["init-data"], ["ps", "--what"], ["up", "--workers", "many"]]
)
def test_a_wrong_command_line_ends_with_2(arguments, capsys):
    """What cannot be understood is refused with status 2 and a message on stderr."""
    assert pixelpop.execute(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err


@pytest.mark.parametrize("command", [["ps"], ["init-data", "--user", "1"], ["migrate"], ["worker"]])
def test_a_bad_setting_ends_with_78(command, capsys, monkeypatch):
    """A setting that cannot be used stops every command with one sentence that names it."""
    monkeypatch.setenv("PIXELPOP_PORT", "eighty")
    assert pixelpop.execute(command) == 78
    said = capsys.readouterr().err
    assert said.startswith("PIXELPOP_PORT is 'eighty'")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("count", ["0", "1000"])
def test_a_senseless_number_of_copies_is_refused(count, capsys):
    """A process runs in 1 to 16 copies."""
    assert pixelpop.execute(["up", "--workers", count]) == 78
    assert "1 to 16 copies" in capsys.readouterr().err


def test_ps_fails_when_nothing_runs(capsys):
    """Scripts can ask `ps` whether anything runs."""
    assert pixelpop.execute(["ps"]) == 1
    assert "Nothing runs" in capsys.readouterr().out


def test_ps_does_not_believe_a_stale_file(data_dir, capsys):
    """What a killed `up` left in processes.json is not shown as running."""
    data_dir.mkdir()
    (data_dir / "processes.json").write_text('{"gateway": {"pid": 1, "port": 2, "restarts": 0}}')
    assert pixelpop.execute(["ps", "--json"]) == 1
    assert msgspec.json.decode(capsys.readouterr().out) == []


@pytest.mark.parametrize("command", [["migrate"], ["projections", "status"]])
def test_a_command_that_needs_servers_says_how_to_get_them(command, capsys):
    """Without servers, configured or running, the sentence names `pixelpop up`."""
    assert pixelpop.execute(command) == 78
    assert "Start `pixelpop up` first" in capsys.readouterr().err


def test_doctor_finds_nothing_wrong_before_the_first_start(capsys, monkeypatch):
    """On a new machine there may be warnings, and no failure."""
    monkeypatch.setenv("PIXELPOP_PORT", "0")
    assert pixelpop.execute(["doctor", "--json"]) == 0
    checks = msgspec.json.decode(capsys.readouterr().out)
    assert {check["state"] for check in checks} <= {"ok", "warn"}
    assert {"settings", "secrets", "programs", "disk", "kafka"} <= {c["name"] for c in checks}


def test_doctor_fails_and_says_what_to_do(capsys, monkeypatch):
    """A fault is a line with what to do about it, and status 1."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert pixelpop.execute(["doctor", "--json"]) == 1
    failed = {
        check["name"]: check
        for check in msgspec.json.decode(capsys.readouterr().out)
        if check["state"] == "fail"
    }
    assert failed["secrets"]["todo"].startswith("Set them in .env")


def test_init_data_is_signed_for_the_data_directorys_bot(data_dir, capsys):
    """The token that signs is made once and kept, and the user is the one asked for."""
    assert pixelpop.execute(["init-data", "--user", "42"]) == 0
    fields = parse_qs(capsys.readouterr().out.strip())
    assert msgspec.json.decode(fields["user"][0])["id"] == 42
    assert set(fields) >= {"auth_date", "hash"}
    kept = msgspec.json.decode((data_dir / "secrets.json").read_bytes())
    assert set(kept) == {"jwt_secret", "master_key", "telegram_bot_token"}
    assert os.stat(data_dir / "secrets.json").st_mode & 0o077 == 0  # noqa: PTH116  the mode alone
