"""The ledger: what it says after a kill, beside another batch, and on a full disk; records; what is tried again."""

from __future__ import annotations

import errno
import json
import os

import pytest
from mixbridge.presets.errors import AudioError, OutputError
from mixbridge.runtime.batch.items import BatchItem, Failure, ItemEvent, ItemOutcome
from mixbridge.runtime.batch.ledger import LEDGER, Ledger, read_status
from mixbridge.runtime.batch.records import RECORD, earlier_files, key_of, read_record, write_record
from mixbridge.runtime.batch.retrying import is_passing, with_retries

ITEM = BatchItem("Song", "songs/Song")


def note(ledger, result=None, item=ITEM):
    ledger.note(ItemEvent(item, "1", 2.5, result))


def test_it_can_be_read_while_it_is_written_and_keeps_the_last_of_each_item(tmp_path):
    with Ledger(tmp_path / "out") as ledger:
        ledger.begin(2)
        note(ledger)
        status = read_status(tmp_path / "out")
        assert status.running
        assert status.total == 2
        assert status.entries["Song"].state == "begun"
        note(ledger, Failure("AudioError", "no stems"))
        assert read_status(tmp_path / "out").entries["Song"].error == "no stems"
        note(ledger, ItemOutcome("rendered", "k", {"loudness_lufs": -14.0}))
        note(ledger, ItemOutcome("kept", "k", {"loudness_lufs": -14.0}))
        ledger.end("done")
    status = read_status(tmp_path / "out")
    assert not status.running
    assert status.ended == "done"
    entry = status.entries["Song"]
    assert (entry.state, entry.renders, entry.error, entry.figures) == ("kept", 1, "", {"loudness_lufs": -14.0})


def test_a_line_that_was_cut_off_is_passed_over_and_begun_anew(tmp_path):
    with Ledger(tmp_path) as ledger:
        note(ledger)
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(b'{"event": "rendered", "item": "So')
    assert read_status(tmp_path).entries["Song"].state == "begun"
    with Ledger(tmp_path) as ledger:
        note(ledger, ItemOutcome("rendered", "k"))
    assert read_status(tmp_path).entries["Song"].state == "rendered"
    assert len((tmp_path / LEDGER).read_text().splitlines()) == 3


def test_two_batches_do_not_write_into_one_output(tmp_path):
    with Ledger(tmp_path), pytest.raises(OutputError, match="in use by another batch"):
        Ledger(tmp_path)
    Ledger(tmp_path).close()


def test_an_output_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Choose another folder"):
        Ledger(tmp_path / "file")
    with pytest.raises(OutputError, match="has no ledger"):
        read_status(tmp_path / "nowhere")


def test_what_a_full_disk_did_not_take_is_written_later(tmp_path, monkeypatch):
    written, full = os.write, [True]

    def write(file, data):
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(file, data)

    with Ledger(tmp_path) as ledger:
        monkeypatch.setattr(os, "write", write)
        note(ledger)
        note(ledger, Failure("OutputError", "is the disk full?"))
        assert (tmp_path / LEDGER).read_text() == ""
        full[0] = False
    assert [json.loads(line)["event"] for line in (tmp_path / LEDGER).read_text().splitlines()] == ["begun", "failed"]


def test_a_folder_is_done_while_its_record_and_all_its_files_are_there(tmp_path):
    (tmp_path / "stems").mkdir()
    for name in ("mix.wav", "stems/Vox.wav"):
        (tmp_path / name).write_bytes(b"sound")
    assert read_record(tmp_path) is None
    write_record(tmp_path, "key", {"tracks": 1})
    record = read_record(tmp_path)
    assert record is not None
    assert (record.key, record.files, record.figures) == ("key", ("mix.wav", "stems/Vox.wav"), {"tracks": 1})
    (tmp_path / "stems/Vox.wav").write_bytes(b"cut")
    assert read_record(tmp_path) is None
    assert earlier_files(tmp_path) == ("mix.wav", "stems/Vox.wav", RECORD)
    (tmp_path / RECORD).write_text("{")
    assert earlier_files(tmp_path) is None


def test_a_key_knows_all_that_decides(monkeypatch):
    key = key_of({"inputs": {"a": "1"}, "options": {"amount": 1.0}})
    assert key == key_of({"options": {"amount": 1.0}, "inputs": {"a": "1"}})
    assert key != key_of({"inputs": {"a": "1"}, "options": {"amount": 0.5}})
    monkeypatch.setattr("mixbridge.runtime.batch.records.__version__", "99")
    assert key != key_of({"inputs": {"a": "1"}, "options": {"amount": 1.0}})


def test_only_disks_and_networks_are_tried_again():
    hidden = AudioError("cannot be read")
    hidden.__cause__ = OSError(errno.ESTALE, "Stale file handle")
    assert is_passing(hidden)
    assert is_passing(OSError(errno.EIO, "Input/output error"))
    assert is_passing(ConnectionResetError())
    for error in (OSError(errno.ENOSPC, ""), FileNotFoundError(2, ""), AudioError("not audio"), KeyError("x")):
        assert not is_passing(error)
    waits, tries = [], []

    def work():
        tries.append(1)
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        with_retries(work, waits.append)
    assert len(tries) == 4
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2]
