"""What tests of several packages share: the model that ships, loaded once; and what one process runs together."""

from __future__ import annotations

import logging
import signal
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mixbridge.runtime import predicting, processor
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.prediction.predict import predict_safely
from predictions import once_for_each_input

# A shell's background jobs ignore Ctrl-C, those of nohup a closed terminal, and so would every command of a test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

_predict_once = once_for_each_input(predict_safely)


@pytest.fixture(scope="session")
def controller() -> Controller:
    return Controller("default", "cpu", threads=1)


@pytest.fixture
def one_prediction_for_each_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is done with a prediction: the same stems and reference are decided once in a process."""
    monkeypatch.setattr(predicting, "predict_safely", _predict_once)
    monkeypatch.setattr(processor, "predict_safely", _predict_once)


@pytest.fixture(scope="session")
def house_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that needs no reference: a style learned from made-up voices."""
    from style_examples import write_house_bundle

    folder = tmp_path_factory.mktemp("styles") / "mine"
    write_house_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def packed_bundle(house_bundle: Path) -> Path:
    """The same in one file, in a folder of its own there."""
    path = house_bundle.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(house_bundle.iterdir()):
            archive.write(file, f"mine/{file.name}")
    return path


@pytest.fixture(autouse=True)
def _usual_log_level() -> None:
    """Lets no command of an earlier test decide what is logged: `--quiet` sets the level of the whole process."""
    logging.getLogger().setLevel(logging.WARNING)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the tests of a file in one process, which shares its fixtures, and all that talk to Ardour in one, too.

    xdist's own groups (3.8) are lost under pytest 9.2, which does not let it change the name of a test.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid.partition("::")[0])

    return ByFile(config, log)


@cache
def _group(file: str) -> str:
    return "ardour" if "ardour_host" in (Path(__file__).parents[1] / file).read_text(encoding="utf-8") else file
